import type { Command } from "commander";
import type { FleetProgramOptions } from "../../../simulators/scp81/fleet-program.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { parseJson } from "../../base/json.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { wholeNumber } from "../../face/cli/number-flag.ts";
import { shownLines } from "../../face/cli/terminal.ts";

/** Ends with the first SIGINT or SIGTERM. */
export function untilStopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(signal));
  return stop.signal;
}

/** `sim euicc|modem|smsc|fleet`: the simulators as programs of their own. */
export function registerSim(sim: Command, context: CliContext): void {
  registerSimEuicc(sim, context);
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
    .description("an SGP.02 eUICC behind the virtual PC/SC reader (vsmartcard-vpcd)")
    .option("--state <file>", "keep its state in this file; made when missing")
    .option("--sync", "flush the state to disk each time")
    .option("--vpcd <host:port>", "slot of the virtual reader", "127.0.0.1:35963")
    .option("--seed <text>", "keys, EID and profiles of a new card follow from this text")
    .option("--eid <eid>", "EID of a new card")
    .option("--profiles <n>", "profiles of a new card, at least 2", wholeNumber)
    .option("--misbehave <list>", "faults, e.g. por-mac,delay=500,busy=3")
    .option("--executions <file>", "append each accepted packet to this JSONL file")
    .option("--eis <file>", "write its EIS, keys included, to this file at the start")
    .option("--control <socket>", "local socket for control lines, besides standard input")
    .option("--field <host:port>", "open SCP81 sessions by TCP to this server, not through the terminal (BIP)")
    .addHelpText(
      "after",
      "\nControl lines: insert, eject, misbehave por-mac, misbehave none, open-session, state, help\n\nExample:\n  otagate sim euicc --state card.json --eis card-eis.json\n",
    )
    .action(async (options: EuiccOptions) => {
      const { runEuicc } = await import("../../../simulators/euicc/program.ts");
      const { seed, eid, profiles, ...rest } = options;
      const fixture = {
        ...(seed === undefined ? {} : { seed }),
        ...(eid === undefined ? {} : { eid }),
        ...(profiles === undefined ? {} : { profiles }),
      };
      const print = (line: string) => void context.terminal.out.write(shownLines(context.terminal, `${line}\n`));
      await runEuicc({ ...rest, fixture }, { input: process.stdin, print, signal: untilStopped() });
      process.stdin.destroy();
    });
}

function registerSimSmsc(sim: Command, context: CliContext): void {
  sim
    .command("smsc")
    .description("an SMSC that speaks SMPP, for tests of ESMEs")
    .option("--host <host>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on", wholeNumber, 2776)
    .option("--behaviour <json>", "latency, throttling, receipts, ids, loss … as JSON (docs/smpp.md)", "{}")
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
    .description("an AT modem on a pseudo-terminal or TCP, with a card and a network")
    .option("--profile <name>", "hardware profile that it behaves as")
    .option("--profiles <folder...>", "folders with profiles of your own")
    .option("--pty <link>", "symbolic link to its pseudo-terminal")
    .option("--tcp <port>", "TCP port instead of a pseudo-terminal", wholeNumber)
    .option("--card <file|plain|none>", "state of a simulated eUICC, a plain USIM, or an empty slot", "plain")
    .option("--imei <digits>", "15 digits; made from its pseudo-terminal or port unless given")
    .option("--number <digits>", "number of the plain USIM; made likewise")
    .option("--network <how>", "own, serve:<port or path>, or join:<host:port or path>")
    .option("--misbehave <list>", "how it misbehaves from the start (docs/simulated-modem.md)")
    .option("--bip <host:port>", "where the card's own connections are led to")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate sim modem --pty /tmp/modem-a --network serve:/tmp/net\n  otagate sim modem --pty /tmp/modem-b --network join:/tmp/net --card card.json\n",
    )
    .action(async ({ profile, profiles, ...options }: SimModemOptions) => {
      const { runModem } = await import("../../../simulators/modem/program.ts");
      const { loadProfiles } = await import("../../link/modem/profile-files.ts");
      const played = profile === undefined ? {} : { profile: loadProfiles(profiles ?? []).get(profile).file };
      const print = (line: string) => void context.terminal.out.write(shownLines(context.terminal, `${line}\n`));
      await runModem({ ...options, ...played }, { input: process.stdin, print, signal: untilStopped() });
      process.stdin.destroy();
    });
}

function registerSimFleet(sim: Command, context: CliContext): void {
  sim
    .command("fleet")
    .description("many eUICCs in the field that open SCP81 sessions with a server")
    .option("--connect <host:port>", "the server")
    .option("--cards <n>", "how many cards", wholeNumber, 100)
    .option("--first <n>", "number of the first card", wholeNumber, 0)
    .option("--seed <text>", "keys follow from this text", "fleet")
    .option("--parallel <n>", "sessions at the same time", wholeNumber, 16)
    .option("--rounds <n>", "sessions of each card", wholeNumber, 1)
    .option("--ramp <seconds>", "spread the first sessions over this time", wholeNumber, 0)
    .option("--uri <path>", "administration URI", "/gsma/adminagent")
    .option("--retries <n>", "reconnections of a session", wholeNumber, 3)
    .option("--retry-delay <seconds>", "pause before a reconnection", wholeNumber, 5)
    .option("--drop <share>", "share of POSTs at which the link breaks somewhere, 0 to 1", "0")
    .option("--knobs <json>", "how the cards spell, cut and misbehave (docs/scp81.md)", "{}")
    .option("--eis <file>", "write the EIS of all cards, keys included, and open no session")
    .option("--every", "print a line for each session")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate sim fleet --cards 1000 --eis fleet.json\n  otagate target import fleet.json\n  otagate sim fleet --cards 1000 --connect 127.0.0.1:8443 --parallel 200 --drop 0.02\n",
    )
    .action(async (options: FleetProgramOptions) => {
      const { runFleetProgram } = await import("../../../simulators/scp81/fleet-program.ts");
      const print = (line: string) => void context.terminal.out.write(shownLines(context.terminal, `${line}\n`));
      process.exitCode = await runFleetProgram(options, { print, signal: untilStopped() });
    });
}
