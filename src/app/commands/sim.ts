import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Command, Option } from "commander";
import type { FleetProgramOptions } from "../../../simulators/scp81/fleet-program.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { parseJson } from "../../base/json.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { wholeNumber } from "../../face/cli/number-flag.ts";
import { showAnswer } from "../../face/cli/show.ts";
import { result, shownLines } from "../../face/cli/terminal.ts";
import { simulatorSocket } from "../config/state-folder.ts";

/** Ends with the first SIGINT or SIGTERM. */
export function untilStopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(signal));
  return stop.signal;
}

/** `sim euicc|modem|smsc|fleet`: the simulators as programs of their own; `sim control` changes a running eUICC. */
export function registerSim(sim: Command, context: CliContext, stateFolder: () => string): void {
  registerSimEuicc(sim, context);
  registerSimControl(sim, context, stateFolder);
  registerSimSmsc(sim, context);
  registerSimModem(sim, context);
  registerSimFleet(sim, context);
}

interface EuiccOptions {
  readonly state?: string;
  readonly sync?: boolean;
  readonly vpcd: string;
  readonly seed?: string;
  readonly eid?: string;
  readonly profiles?: number;
  readonly misbehave?: string;
  readonly executions?: string;
  readonly eis?: string;
  readonly control?: string;
  readonly field?: string;
}

function registerSimEuicc(sim: Command, context: CliContext): void {
  sim
    .command("euicc")
    .description("simulate an SGP.02 eUICC in the virtual PC/SC reader (vsmartcard-vpcd)")
    .option("--state <file>", "state file; created when missing")
    .option("--sync", "flush every state change to disk")
    .option("--vpcd <host:port>", "slot of the virtual reader", "127.0.0.1:35963")
    .option("--seed <text>", "text from which keys, EID and profiles of a new card are derived")
    .option("--eid <eid>", "EID of a new card")
    .option("--profiles <n>", "number of profiles of a new card, at least 2", wholeNumber)
    .option("--misbehave <list>", "faults, e.g. por-mac,delay=500,busy=3")
    .option("--executions <file>", "append a line for each accepted packet to this JSONL file")
    .option("--eis <file>", "write the EIS of the card, keys included, to this file")
    .option("--control <socket>", "local socket for control lines, in addition to standard input")
    .option("--field <host:port>", "open SCP81 sessions to this server by TCP instead of BIP")
    .addHelpText(
      "after",
      "\nControl lines: insert, eject, misbehave por-mac, misbehave none, open-session, state, help\n\nExample:\n  otagate sim euicc --state card.json --eis card-eis.json\n",
    )
    .action(async (options: EuiccOptions) => {
      const { runEuicc } = await import("../../../simulators/euicc/program.ts");
      const { seed, eid, profiles, ...rest } = options;
      const fixture = withoutUndefined({ seed, eid, profiles });
      const print = (line: string) => void context.terminal.out.write(shownLines(context.terminal, `${line}\n`));
      await runEuicc({ ...rest, fixture }, { input: process.stdin, print, signal: untilStopped() });
      process.stdin.destroy();
    });
}

function registerSimControl(sim: Command, context: CliContext, stateFolder: () => string): void {
  sim
    .command("control")
    .argument("<line...>", "the control line; its first word may be a reader, such as euicc-2")
    .option(
      "--socket <path>",
      "socket of `sim euicc --control` (default: that of `daemon --simulate` in the state folder)",
    )
    .description("send a control line to a running simulated eUICC: faults, removal, local changes")
    .addHelpText(
      "after",
      "\nControl lines: insert, eject, misbehave por-mac, misbehave none, open-session, state, help\n\nExamples:\n  otagate sim control misbehave drop-por,delay=500\n  otagate sim control eject\n",
    )
    .action(async (words: string[], { socket }: { socket?: string }) => {
      const path = socket ?? join(stateFolder(), simulatorSocket);
      const answer = await askOnce(path, words.join(" "));
      const { terminal } = context;
      result(terminal, answer, (shown) => (Object.keys(shown).length > 1 ? showAnswer(shown) : "done"));
      if (answer.ok !== true) process.exitCode = 1;
    });
}

/** The answer to one line on a local socket. @throws api.unreachable */
async function askOnce(path: string, line: string): Promise<Readonly<Record<string, unknown>>> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    socket.end(`${line}\n`);
    const answer: unknown = parseJson(await text(socket));
    return typeof answer === "object" && answer !== null ? { ...answer } : {};
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "no answer";
    throw new GatewayError("api.unreachable", `no simulated eUICC answers on ${path}: ${why}`, { cause });
  } finally {
    socket.destroy();
  }
}

function registerSimSmsc(sim: Command, context: CliContext): void {
  sim
    .command("smsc")
    .description("simulate an SMSC for tests of ESMEs")
    .option("--host <host>", "listen address", "127.0.0.1")
    .option("--port <port>", "listen port", wholeNumber, 2776)
    .option("--behaviour <json>", "latency, throttling, receipts, ids, losses … as JSON (docs/smpp.md)", "{}")
    .addHelpText("after", "\nExample:\n  otagate sim smsc --port 2776 --behaviour '{\"latencyMs\":200}'\n")
    .action(async (options: { host: string; port: number; behaviour: string }) => {
      const { runSimulatedSmsc } = await import("../../../simulators/smsc/program.ts");
      const { SmscBehaviour } = await import("../../../simulators/smsc/behaviour.ts");
      const behaviour = parseBehaviour(options.behaviour, (raw) => SmscBehaviour.parse(raw));
      await runSimulatedSmsc({
        host: options.host,
        port: options.port,
        behaviour,
        print: (line) => void context.terminal.out.write(shownLines(context.terminal, `${line}\n`)),
        signal: untilStopped(),
      });
    });
}

/** @throws api.usage naming what is wrong */
function parseBehaviour<T>(text: string, parse: (raw: unknown) => T): T {
  try {
    return parse(parseJson(text));
  } catch (cause) {
    throw new GatewayError(
      "api.usage",
      `--behaviour: ${cause instanceof Error ? cause.message.split("\n")[0] : "not valid"}`,
      { detail: { field: "behaviour" }, cause },
    );
  }
}

interface SimModemOptions {
  readonly profile?: string;
  readonly profiles?: string[];
  readonly pty?: string;
  readonly tcp?: number;
  readonly card?: string;
  readonly imei?: string;
  readonly number?: string;
  readonly network?: string;
  readonly misbehave?: string;
  readonly bip?: string;
}

function registerSimModem(sim: Command, context: CliContext): void {
  sim
    .command("modem")
    .description("simulate an AT modem on a pseudo-terminal or TCP, with a card and a network")
    .option("--profile <name>", "hardware profile to simulate")
    .option("--profiles <folder...>", "folders with custom profiles")
    .option("--pty <link>", "symbolic link to the pseudo-terminal")
    .option("--tcp <port>", "TCP port instead of a pseudo-terminal", wholeNumber)
    .option("--card <file|plain|none>", "state of a simulated eUICC, a plain USIM, or an empty slot", "plain")
    .option("--imei <digits>", "15 digits (default: derived from --pty or --tcp)")
    .option("--number <digits>", "number of the plain USIM (default: derived from --pty or --tcp)")
    .option("--network <how>", "own, serve:<port or path>, or join:<host:port or path>")
    .option("--misbehave <list>", "faults from the start (docs/simulated-modem.md)")
    .option("--bip <host:port>", "destination of the connections that the card opens")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate sim modem --pty /tmp/modem-a --network serve:/tmp/net\n  otagate sim modem --pty /tmp/modem-b --network join:/tmp/net --card card.json\n",
    )
    .action(async ({ profile, profiles, ...options }: SimModemOptions) => {
      const { runModem } = await import("../../../simulators/modem/program.ts");
      const { loadProfiles } = await import("../../link/modem/profile/profile-files.ts");
      const played = profile === undefined ? {} : { profile: loadProfiles(profiles ?? []).get(profile).file };
      const print = (line: string) => void context.terminal.out.write(shownLines(context.terminal, `${line}\n`));
      await runModem({ ...options, ...played }, { input: process.stdin, print, signal: untilStopped() });
      process.stdin.destroy();
    });
}

function registerSimFleet(sim: Command, context: CliContext): void {
  sim
    .command("fleet")
    .description("simulate many eUICCs that open SCP81 sessions with a server")
    .option("--connect <host:port>", "address of the server (required without --eis)")
    .option("--cards <n>", "number of cards", wholeNumber, 100)
    .option("--first <n>", "number of the first card", wholeNumber, 0)
    .option("--seed <text>", "text from which the keys are derived", "fleet")
    .option("--parallel <n>", "number of simultaneous sessions", wholeNumber, 16)
    .option("--rounds <n>", "number of sessions of each card", wholeNumber, 1)
    .option("--ramp <seconds>", "spread the first sessions over this time", wholeNumber, 0)
    .option("--uri <path>", "administration URI", "/gsma/adminagent")
    .option("--retries <n>", "reconnections of a session", wholeNumber, 3)
    .option("--retry-delay <seconds>", "pause before a reconnection", wholeNumber, 5)
    .option("--drop <share>", "share of POSTs during which the connection breaks, 0 to 1", "0")
    .option("--deviations <json>", "deviations of the cards in syntax, fragmentation and timing (docs/scp81.md)", "{}")
    .addOption(new Option("--knobs <json>", "former name of --deviations").hideHelp())
    .option("--eis <file>", "write the EIS of all cards, keys included, and open no session")
    .option("--every", "print a line for each session")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate sim fleet --cards 1000 --eis fleet.json\n  otagate target import fleet.json\n  otagate sim fleet --cards 1000 --connect 127.0.0.1:8443 --parallel 200 --drop 0.02\n",
    )
    .action(async ({ knobs, ...options }: FleetProgramOptions & { readonly knobs?: string }) => {
      const { runFleetProgram } = await import("../../../simulators/scp81/fleet-program.ts");
      const print = (line: string) => void context.terminal.out.write(shownLines(context.terminal, `${line}\n`));
      process.exitCode = await runFleetProgram(
        { ...options, deviations: knobs ?? options.deviations },
        { print, signal: untilStopped() },
      );
    });
}
