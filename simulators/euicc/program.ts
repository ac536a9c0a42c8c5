import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { systemClock } from "../../src/base/clock.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { EuiccAgent, type Reach } from "../scp81/euicc-agent.ts";
import { VpcdCard, vpcdAt } from "../vpcd.ts";
import { type Controlled, control } from "./control.ts";
import { listenForControl } from "./control-socket.ts";
import { exportEis } from "./eis.ts";
import { SimulatedEuicc } from "./euicc.ts";
import { executionFile } from "./execution-log.ts";
import { createEuiccState, type FixtureOptions } from "./fixture.ts";
import { type Misbehaviour, parseMisbehaviour } from "./misbehaviour.ts";
import { FileStateStore } from "./state-store.ts";

/** What `otagate sim euicc` is started with. */
interface EuiccProgramOptions {
  /** State file; made by the fixture when it is not there. Without it the card forgets everything. */
  readonly state?: string;
  /** Flush the state to the disk each time: survives a power cut, not only a kill. */
  readonly sync?: boolean;
  /** Slot of the virtual PC/SC reader, `host:port`; 127.0.0.1:35963 unless given. */
  readonly vpcd?: string;
  /** Makes a new state, when one is made. */
  readonly fixture?: FixtureOptions;
  /** Faults to start with, as {@link parseMisbehaviour} reads them. */
  readonly misbehave?: string;
  /** JSONL file of accepted packets. */
  readonly executions?: string;
  /** Writes the card's EIS, keys included, to this file (mode 600) at the start. */
  readonly eis?: string;
  /** Local socket that takes control lines, besides standard input. */
  readonly control?: string;
  /** SCP81 server, `host:port`: the card opens its sessions by itself, as in the field, not through its terminal. */
  readonly field?: string;
}

/** Where the program reads control lines, writes its answers, and when it ends. */
interface EuiccProgramIo {
  readonly input?: Readable;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Opens the card that the options describe, with its administration agent. @throws config.* */
export function openEuicc(options: EuiccProgramOptions): SimulatedEuicc {
  const store =
    options.state === undefined ? undefined : new FileStateStore(options.state, { sync: options.sync ?? false });
  const state = store?.load() ?? createEuiccState(options.fixture);
  const misbehaviour: Misbehaviour = {};
  Object.assign(misbehaviour, parseMisbehaviour(options.misbehave ?? ""));
  const card = new SimulatedEuicc({
    state,
    misbehaviour,
    ...(store && { store }),
    ...(options.executions !== undefined && { onExecuted: executionFile(options.executions) }),
  });
  new EuiccAgent(card, { reach: reachOf(options.field), clock: systemClock });
  if (options.eis !== undefined)
    writeFileSync(options.eis, `${JSON.stringify(exportEis(state), undefined, 2)}\n`, { mode: 0o600 });
  return card;
}

/** How the card gets to its SCP81 server. @throws config.invalid */
function reachOf(field: string | undefined): Reach {
  return field === undefined ? { by: "bip" } : { by: "tcp", ...addressOf(field, "an SCP81 server") };
}

/** What `host:port` or `port` states. @throws config.invalid */
function addressOf(text: string, what: string): { host: string; port: number } {
  const [, host = "127.0.0.1", digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port === 0 || port > 65535) {
    throw new GatewayError("config.invalid", `'${text}' is not the address of ${what} (host:port)`);
  }
  return { host, port };
}

/** Runs the card behind the virtual PC/SC reader until the signal states otherwise. @throws config.* */
export async function runEuicc(options: EuiccProgramOptions, io: EuiccProgramIo): Promise<void> {
  const { host, port } = addressOf(options.vpcd ?? "127.0.0.1:35963", "a vpcd slot");
  const card = openEuicc(options);
  await using reader = new VpcdCard(card, { dial: vpcdAt(port, host) });
  const target: Controlled = { card, insert: () => reader.insert(), eject: () => reader.eject() };
  await using _socket =
    options.control === undefined
      ? undefined
      : await listenForControl(options.control, (line) => control(target, line));
  io.print(JSON.stringify({ eid: card.state.eid, vpcd: `${host}:${port}`, profiles: card.state.profiles.length }));
  const lines = io.input && createInterface({ input: io.input });
  lines?.on("line", (line) => {
    if (line.trim() !== "") void control(target, line).then(io.print);
  });
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    else io.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  lines?.close();
}
