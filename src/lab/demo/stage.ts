import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportEis } from "../../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { PcscLab, pcscLabProblem } from "../../../simulators/pcsc-lab.ts";
import { parseConfig } from "../../app/config.ts";
import { Daemon } from "../../app/daemon.ts";
import { Cleanup } from "../../base/cleanup.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import { ApiClient } from "../../face/cli/client.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { paint, say } from "../../face/cli/terminal.ts";
import { silentLog } from "../../link/driver.ts";

/** What all acts play on: a daemon of its own, a simulated eUICC in a (virtual) reader. */
export interface Stage extends AsyncDisposable {
  readonly context: CliContext;
  readonly api: ApiClient;
  readonly daemon: Daemon;
  readonly card: SimulatedEuicc;
  readonly eis: ReturnType<typeof exportEis>;
  /** Folder that is gone afterwards. */
  readonly folder: string;
  /** How the card is reached, in words. */
  readonly where: string;
}

/** Sets the stage; says what it had to do without. @throws store.*, config.* */
export async function setStage(context: CliContext, inProcess: boolean): Promise<Stage> {
  await using stack = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-demo-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const card = new SimulatedEuicc({ state: createEuiccState() });
  const lab = inProcess ? undefined : await openLab(context);
  if (lab !== undefined) stack.use(lab);
  const config = parseConfig(
    lab === undefined ? { readers: { enabled: false } } : { readers: { socket: lab.socket, client: "socket" } },
  );
  if (lab !== undefined) lab.insert(0, card);
  const daemon = stack.use(
    await Daemon.start({ config, state: join(folder, "state"), env: process.env, log: silentLog }),
  );
  if (lab === undefined) daemon.simulate("euicc", card);
  const where =
    lab === undefined
      ? "inside this process"
      : `behind pcscd and vpcd (${lab.facts.isolation === "private" ? "a pcscd of its own" : "the machine's /run/pcscd"})`;
  const moved = stack.keep();
  return {
    context,
    api: new ApiClient({ socketPath: daemon.socketPath }),
    daemon,
    card,
    eis: exportEis(card.state),
    folder,
    where,
    [Symbol.asyncDispose]: () => moved[Symbol.asyncDispose](),
  };
}

async function openLab(context: CliContext): Promise<PcscLab | undefined> {
  const problem = pcscLabProblem();
  try {
    if (problem === undefined) return await PcscLab.start();
    say(
      context.terminal,
      paint(context.terminal, "yellow", `no virtual PC/SC reader (${problem}): the card sits in this process`),
    );
  } catch (error) {
    say(
      context.terminal,
      paint(
        context.terminal,
        "yellow",
        `no virtual PC/SC reader (${asGatewayError(error).message}): the card sits in this process`,
      ),
    );
  }
  return undefined;
}
