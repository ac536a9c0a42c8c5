import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import type { SoftCard } from "../simulators/soft-card.ts";
import { parseConfig } from "../src/app/config/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { ApiClient } from "../src/face/cli/client.ts";
import { hashPassword } from "../src/face/smpp/password.ts";
import type { Link } from "../src/gateway/links/links.ts";
import { silentLog } from "../src/link/driver.ts";

/** A whole daemon with a SMSC face, for measurements. */
export interface MeasuredGateway extends AsyncDisposable {
  readonly port: number;
  readonly daemon: Daemon;
  readonly numbers: readonly string[];
  /** Messages that the account below has taken. */
  readonly delivered: () => number;
}

/** An account at an SMSC that takes everything at once: what is measured is the gateway. */
function sink(count: () => void): Link {
  const bearer = {
    id: "smsc:sink",
    kind: "smsc" as const,
    state: { up: true },
    onInbound: () => {},
    submit: async () => {
      count();
      return { at: "accepted" as const };
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return { id: bearer.id, kind: "smsc", bearer, state: bearer.state, describe: () => ({}) };
}

/** Starts it with that many targets behind an account, or with one card in a simulated reader. */
export async function measuredGateway(
  what: { targets: number } | { card: SoftCard; eid: string },
): Promise<MeasuredGateway> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-bench-"));
  const client = { systemId: "bench", passwordHash: await hashPassword("bench"), maxBinds: 10, window: 1_000 };
  const config = parseConfig({
    readers: { enabled: false },
    scp81: { enabled: false },
    modemDiscovery: { enabled: false },
    smppFace: { enabled: true, port: 0, clients: [client] },
  });
  const daemon = await Daemon.start({ config, state: folder, log: silentLog, env: {} });
  const api = new ApiClient({ socketPath: daemon.socketPath });
  let delivered = 0;
  const numbers: string[] = [];
  const add = async (eid: string) => {
    const msisdn = `4477${String(numbers.length).padStart(8, "0")}`;
    await api.post("/v1/targets", { eid, msisdn });
    numbers.push(msisdn);
  };
  if ("card" in what) {
    daemon.simulate("bench", what.card);
    await add(what.eid);
  } else {
    daemon.gateway.attach(
      sink(() => {
        delivered += 1;
      }),
    );
    for (let index = 0; index < what.targets; index++)
      await add(String(89_001_012_000_000_000_000n + BigInt(index)).padEnd(32, "0"));
  }
  const { facts } = await api.get<{ facts: { smppFace: number } }>("/v1");
  return {
    port: facts.smppFace,
    daemon,
    numbers,
    delivered: () => delivered,
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A card that indicates when an SMS reaches it. */
export function cardThatTells(heard: () => void): { card: SoftCard; eid: string } {
  const state = createEuiccState({ seed: "bench" });
  const euicc = new SimulatedEuicc({ state });
  const card: SoftCard = {
    get atr() {
      return euicc.atr;
    },
    powerOn: () => euicc.powerOn(),
    powerOff: () => euicc.powerOff(),
    reset: () => euicc.reset(),
    transmit: (command) => {
      if (command[1] === 0xc2 && command[5] === 0xd1) heard();
      return euicc.transmit(command);
    },
  };
  return { card, eid: state.eid };
}
