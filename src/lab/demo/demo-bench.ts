import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportEis } from "../../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { PcscLab, pcscLabProblem } from "../../../simulators/pcsc-lab.ts";
import { Cleanup } from "../../base/cleanup.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import { ApiClient } from "../../face/cli/client.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { paint, printStatus } from "../../face/cli/terminal.ts";
import type { StartLabDaemon } from "../lab-daemon.ts";

/** The environment of all steps: a daemon, and a simulated eUICC in a (virtual) reader. */
export interface DemoBench extends AsyncDisposable {
  readonly context: CliContext;
  readonly api: ApiClient;
  /** Starts further daemons. */
  readonly startDaemon: StartLabDaemon;
  readonly card: SimulatedEuicc;
  readonly eis: ReturnType<typeof exportEis>;
  /** Folder that is removed afterwards. */
  readonly folder: string;
  /** The connection to the card, as text. */
  readonly where: string;
}

/**
 * Starts the daemon with the card in a virtual reader; reports if a virtual reader is not available. @throws store.*,
 * config.*
 */
export async function openDemoBench(
  context: CliContext,
  startDaemon: StartLabDaemon,
  inProcess: boolean,
): Promise<DemoBench> {
  await using stack = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-demo-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const card = new SimulatedEuicc({ state: createEuiccState() });
  const lab = inProcess ? undefined : await openLab(context);
  if (lab !== undefined) stack.use(lab);
  const config =
    lab === undefined ? { readers: { enabled: false } } : { readers: { socket: lab.socket, client: "socket" } };
  if (lab !== undefined) lab.insert(0, card);
  const daemon = stack.use(await startDaemon(config, join(folder, "state"), process.env));
  if (lab === undefined) daemon.simulate("euicc", card);
  const where =
    lab === undefined
      ? "inside this process"
      : `behind pcscd and vpcd (${lab.facts.isolation === "private" ? "a pcscd of its own" : "the machine's /run/pcscd"})`;
  const moved = stack.keep();
  return {
    context,
    api: new ApiClient({ socketPath: daemon.socketPath }),
    startDaemon,
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
    printStatus(
      context.terminal,
      paint(context.terminal, "yellow", `no virtual PC/SC reader (${problem}): the card sits in this process`),
    );
  } catch (error) {
    printStatus(
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
