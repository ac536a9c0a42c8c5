import { Command, CommanderError, Help, Option } from "commander";
import type { ErrorCode } from "../base/error-catalogue.ts";
import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import type { CliContext } from "../face/cli/context.ts";
import { addExamples, commandPath } from "../face/cli/examples.ts";
import { inFlags } from "../face/cli/flag-words.ts";
import { fileError } from "../face/cli/input-file.ts";
import { paint, printStatus, type Terminal } from "../face/cli/terminal.ts";
import {
  addListed,
  type CommandName,
  commandList,
  isCommandName,
  isRecordCommand,
  listedTerm,
} from "./command-list.ts";

import { Interrupt } from "./interrupt.ts";
import { version } from "./version.ts";

/** Options of every command. */
interface GlobalOptions {
  readonly config?: string;
  readonly url?: string;
  readonly json?: boolean;
  readonly trace?: boolean;
  readonly color?: boolean;
}

/** Runs one command line; sets the exit code. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const terminal: Terminal = {
    out: process.stdout,
    err: process.stderr,
    fancy: process.stdout.isTTY === true && process.stderr.isTTY === true && (env.NO_COLOR ?? "") === "",
    json: false,
  };
  const interrupt = new Interrupt(
    (code) => process.exit(code),
    (text) => printStatus(terminal, `${terminal.fancy ? "\r\u001b[K" : ""}${text}`),
  );
  interrupt.listen();
  const { program, load, called } = buildProgram(terminal, env, interrupt, jsonWanted(argv));
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader closed the pipe.
    if (error.code === "EPIPE") process.exit(0);
    printStatus(terminal, `the output cannot be written: ${error.message}`);
    process.exit(1);
  });
  // There is no stream left to report it.
  process.stderr.on("error", () => undefined);
  try {
    // `help COMMAND` prints the help of a command without calling it.
    if (argv.includes("help")) for (const name of argv.filter(isCommandName)) await load(name);
    await program.parseAsync([...argv]);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      process.exitCode = thrown.exitCode === 0 ? 0 : 2;
      if (thrown.exitCode !== 0 && jsonWanted(argv)) terminal.err.write(parserErrorJson(thrown));
      return;
    }
    // A failure caused by a signal is not an error of the command: the exit code is that of the signal.
    if (interrupt.ending) return;
    const error = inFlags(fileError(thrown) ?? asGatewayError(thrown), acceptedBy(called()));
    if (terminal.json) terminal.err.write(`${JSON.stringify({ error: error.toJSON() })}\n`);
    // Further lines of a message are indented, so that they cannot be taken for lines of the program.
    else printStatus(terminal, `${paint(terminal, "red", error.code)}: ${error.message.replaceAll("\n", "\n  ")}`);
    const { advice } = error.entry;
    if (!terminal.json && needsAdvice(error.code))
      printStatus(terminal, `(${advice.charAt(0).toLowerCase()}${advice.slice(1, -1)})`);
    if (error.code === "api.internal" && env.OTAGATE_DEBUG !== undefined && thrown instanceof Error)
      printStatus(terminal, thrown.stack ?? "");
    process.exitCode = error.entry.exit;
  }
}

/** Whether the advice of the catalogue is printed: the message names what is missing, the advice where to find it. */
function needsAdvice(code: ErrorCode): boolean {
  return code.endsWith(".unknown") || code === "api.unreachable" || code === "store.locked";
}

/** The program with all its commands, for documents. */
export async function wholeProgram(terminal: Terminal, env: NodeJS.ProcessEnv, interrupt: Interrupt): Promise<Command> {
  const { program, load } = buildProgram(terminal, env, interrupt);
  for (const name of Object.keys(commandList)) if (isCommandName(name)) await load(name);
  return program;
}

interface Program {
  readonly program: Command;
  /** Adds options and commands to a command of the first level. */
  load(name: CommandName): Promise<void>;
  /** The command that runs. */
  called(): Command | undefined;
}

/** The options and arguments that a command accepts. */
function acceptedBy(command: Command | undefined) {
  return {
    options: (command?.options ?? []).flatMap(({ long }) => (long === undefined ? [] : [long.slice(2)])),
    arguments: (command?.registeredArguments ?? []).map((one) => one.name()),
  };
}

/** The program with the names of its commands; each is loaded when it is called. */
function buildProgram(terminal: Terminal, env: NodeJS.ProcessEnv, interrupt: Interrupt, json = false): Program {
  const program = new Command("otagate")
    .description("OTA gateway for physical eUICCs: SCP80 over SMS and ENVELOPE, SCP81, ES5; readers, modems, SMSC")
    .version(version)
    .addOption(new Option("--config <file>", "configuration file").env("OTAGATE_CONFIG"))
    .addOption(
      new Option("--url <url>", "URL of the daemon (default: the control socket in the state folder)").env(
        "OTAGATE_URL",
      ),
    )
    .option("--json", "print results as JSON (or JSON lines)")
    .option("--trace", "print every frame, decoded, while the command runs")
    .option("--no-color", "disable colors")
    .exitOverride()
    .showHelpAfterError("(see otagate --help)")
    .configureOutput({
      // With `--json` the error is written as an object when the parser has thrown it.
      writeErr: (text) => void (json || terminal.err.write(text)),
      outputError: (text, write) => write(`api.usage: ${parserMessage(text)}\n`),
    })
    .enablePositionalOptions(false)
    .configureHelp({ subcommandTerm: listedTerm, optionDescription })
    .addHelpText("after", helpEnd);
  const globals = () => program.optsWithGlobals<GlobalOptions>();
  let tracing = false;
  let running: Command | undefined;
  let onRecords = false;
  const context: CliContext = {
    terminal,
    env,
    trace: () => tracing,
    onInterrupt: (note) => interrupt.note(note),
    connect: async () => {
      const { connect } = await import("./connect.ts");
      return interrupt.guard(await connect(globals(), terminal, env, onRecords));
    },
  };
  const missing = new Map<string, Command>();
  for (const name of Object.keys(commandList)) if (isCommandName(name)) missing.set(name, addListed(program, name));
  const load = async (name: CommandName) => {
    const group = missing.get(name);
    if (!missing.delete(name) || group === undefined) return;
    await commandList[name].register(group, { context, globals });
    complete(group);
  };
  program.hook("preSubcommand", async (_program, group) => {
    const name = group.name();
    if (isCommandName(name)) await load(name);
  });
  program.hook("preAction", (_program, action) => {
    running = action;
    const options = action.optsWithGlobals<GlobalOptions>();
    const fancy = terminal.fancy && options.color !== false;
    Object.assign(terminal, { json: options.json === true, fancy });
    tracing = options.trace === true;
    onRecords = isRecordCommand(commandPath(action));
  });
  return { program, load, called: () => running };
}

const helpEnd = `
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused by card or network, 5 link unavailable,
6 timed out, 7 bad configuration, 130 interrupted

Examples:
  otagate reader list
  otagate target import eis.json
  otagate es5 enableProfile --target 89001012012341234012345678901224 --iccid 8901… --trace
  otagate decode D00E8103012180820281028D03044869
`;

/** Text of an option in the help of its command. */
function optionDescription(option: Option): string {
  const text = new Help().optionDescription(option);
  return option.mandatory && option.defaultValue === undefined ? `${text} (required)` : text;
}

/** Whether the command line has `--json`; asked before it is parsed. */
function jsonWanted(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}

/** The message of the command-line parser, without its own prefix. */
function parserMessage(text: string): string {
  return text.trimEnd().replace(/^error: /, "");
}

/** An error of the command line as other errors are with `--json`. */
function parserErrorJson({ code, message }: CommanderError): string {
  const text = code === "commander.help" ? "a command is required" : parserMessage(message);
  return `${JSON.stringify({ error: new GatewayError("api.usage", text).toJSON() })}\n`;
}

/** Adds common options and examples to a command and its subcommands. */
function complete(command: Command): void {
  command.exitOverride();
  command.showHelpAfterError(`(see otagate ${commandPath(command)} --help)`);
  addExamples(command);
  for (const flag of ["--json", "--trace"]) {
    if (command.commands.length === 0 && !command.options.some((option) => option.long === flag))
      command.addOption(new Option(flag).hideHelp());
  }
  for (const child of command.commands) complete(child);
}
