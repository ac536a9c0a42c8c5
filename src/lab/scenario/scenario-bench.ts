import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { control } from "../../../simulators/euicc/control.ts";
import { exportEis } from "../../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { parseMisbehaviour } from "../../../simulators/euicc/misbehaviour.ts";
import type { SoftReader } from "../../../simulators/reader.ts";
import { Cleanup } from "../../base/cleanup.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { ApiClient } from "../../face/cli/client.ts";
import type { StartLabDaemon } from "../lab-daemon.ts";
import type { ScenarioCard } from "./scenario.ts";

/** The simulated card of a scenario, and control over it apart from commands. */
export interface BenchCard {
  readonly euicc: SimulatedEuicc;
  readonly reader: SoftReader;
  /** Carries out a control line. @throws scenario.failed if the card does not support it */
  control(line: string): Promise<void>;
}

/** The environment of a scenario. */
export interface ScenarioBench extends AsyncDisposable {
  readonly api: ApiClient;
  /** Name of the target. */
  readonly target: string;
  readonly card?: BenchCard;
}

const pol1Bits = { "disabling-not-allowed": 1, "deletion-not-allowed": 2, "delete-when-disabled": 4 } as const;

/** The card that a scenario describes. */
function cardOf(described: ScenarioCard): SimulatedEuicc {
  const { seed, profiles, settings, misbehave, fallback, pol1 } = described;
  const state = createEuiccState({
    profiles,
    ...withoutUndefined({ seed }),
    settings: { ...JSON.parse(JSON.stringify(settings ?? {})) },
  });
  for (const [index, profile] of state.profiles.entries()) {
    if (fallback !== undefined) profile.fallback = index + 1 === fallback;
    const token = described.token?.[String(index + 1)];
    if (token !== undefined) {
      const keys = [{ id: 1, type: "AES" as const, value: token.key.toUpperCase() }];
      profile.isdpKeySets.push({ kvn: 0x70, type: "TOKEN", keys, ccLength: 8 });
      const { providerId, imageNumber, applicationProviderId } = token;
      profile.sdData = { "42": providerId, "45": imageNumber, "5F20": applicationProviderId };
    }
    profile.pol1 = (pol1?.[String(index + 1)] ?? []).reduce((sum, rule) => sum | pol1Bits[rule], 0);
  }
  const misbehaviour = misbehave === undefined ? {} : JSON.parse(JSON.stringify(parseMisbehaviour(misbehave)));
  return new SimulatedEuicc({ state, misbehaviour });
}

/** A daemon of its own with the described card in a reader. @throws store.*, config.* */
export async function simulatedBench(
  described: ScenarioCard,
  notifications: string,
  startDaemon: StartLabDaemon,
): Promise<ScenarioBench> {
  await using stack = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-scenario-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const config = {
    notifications,
    readers: { enabled: false },
    scp81: { enabled: false },
    sms: { envelopeAnswerTimeoutMs: 2_000 },
  };
  const daemon = stack.use(await startDaemon(config, join(folder, "state"), {}));
  const euicc = cardOf(described);
  const eis = exportEis(euicc.state);
  const profiles = eis.profiles.map((profile, index) => {
    const pol2 = described.pol2?.[String(index + 1)];
    return { ...profile, ...withoutUndefined({ pol2 }) };
  });
  await daemon.gateway.targets.import({ ...eis, profiles });
  const reader = daemon.simulate("euicc", euicc);
  const moved = stack.keep();
  return {
    api: new ApiClient({ socketPath: daemon.socketPath }),
    target: euicc.state.eid,
    card: { euicc, reader, control: (line) => controlled(euicc, line) },
    [Symbol.asyncDispose]: () => moved[Symbol.asyncDispose](),
  };
}

async function controlled(card: SimulatedEuicc, line: string): Promise<void> {
  const answer = JSON.parse(await control({ card }, line)) as { ok: boolean; error?: { message: string } };
  if (!answer.ok)
    throw new GatewayError("scenario.failed", answer.error?.message ?? "the card refused the control line");
}
