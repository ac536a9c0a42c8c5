import { existsSync, readFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { systemClock } from "../base/clock.ts";
import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import { ApiClient } from "../face/cli/client.ts";
import { registerAudit } from "../face/cli/commands/audit.ts";
import { registerCampaign } from "../face/cli/commands/campaign.ts";
import { registerDecode } from "../face/cli/commands/decode.ts";
import { registerEnvelope } from "../face/cli/commands/envelope.ts";
import { registerEs5 } from "../face/cli/commands/es5.ts";
import { registerJob } from "../face/cli/commands/job.ts";
import { registerModem, registerSms } from "../face/cli/commands/modem.ts";
import { registerNotification } from "../face/cli/commands/notification.ts";
import { type OpenPort, registerProfile } from "../face/cli/commands/profile.ts";
import { registerCard, registerReader } from "../face/cli/commands/reader.ts";
import { registerScp80 } from "../face/cli/commands/scp80.ts";
import { registerScript } from "../face/cli/commands/script.ts";
import { registerScriptSend } from "../face/cli/commands/script-send.ts";
import { registerSession } from "../face/cli/commands/session.ts";
import { registerSmsc } from "../face/cli/commands/smsc.ts";
import { type CompactStore, type RecoverStore, registerStore } from "../face/cli/commands/store.ts";
import { registerSwitch } from "../face/cli/commands/switch.ts";
import { registerTarget } from "../face/cli/commands/target.ts";
import { registerToken } from "../face/cli/commands/token.ts";
import { registerTpdu } from "../face/cli/commands/tpdu.ts";
import { registerTrace } from "../face/cli/commands/trace.ts";
import { registerUpstream } from "../face/cli/commands/upstream.ts";
import type { CliContext, Connection } from "../face/cli/context.ts";
import { addExamples, commandPath } from "../face/cli/examples.ts";
import { fileError } from "../face/cli/input-file.ts";
import type { CommandIo } from "../face/cli/run-operation.ts";
import { paint, say, type Terminal } from "../face/cli/terminal.ts";
import { registerAppCommands } from "./app-commands.ts";
import { loadConfig } from "./config.ts";
import { socketName } from "./daemon.ts";
import { Interrupt } from "./interrupt.ts";
import { version } from "./version.ts";

/** Options every command takes. */
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
    (text) => say(terminal, `${terminal.fancy ? "\r\u001b[K" : ""}${text}`),
  );
  interrupt.listen();
  const program = buildProgram(terminal, env, interrupt);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever read has enough.
    if (error.code === "EPIPE") process.exit(0);
    say(terminal, `the output cannot be written: ${error.message}`);
    process.exit(1);
  });
  // There is nowhere left to say it.
  process.stderr.on("error", () => undefined);
  try {
    await program.parseAsync([...argv]);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      process.exitCode = thrown.exitCode === 0 ? 0 : 2;
      return;
    }
    // What was cut off by a signal is no error of the command: the signal's own code ends the process.
    if (interrupt.ending) return;
    const error = fileError(thrown) ?? asGatewayError(thrown);
    if (terminal.json) terminal.err.write(`${JSON.stringify({ error: error.toJSON() })}\n`);
    // Lines that a message brings along are set in: they are no lines of ours.
    else say(terminal, `${paint(terminal, "red", error.code)}: ${error.message.replaceAll("\n", "\n  ")}`);
    if (error.code === "api.internal" && env.OTAGATE_DEBUG !== undefined && thrown instanceof Error)
      say(terminal, thrown.stack ?? "");
    process.exitCode = error.entry.exit;
  }
}

/** The tree of all commands. */
export function buildProgram(terminal: Terminal, env: NodeJS.ProcessEnv, interrupt: Interrupt): Command {
  const program = new Command("otagate")
    .description("OTA gateway for physical eUICCs: SCP80 over SMS and ENVELOPE, SCP81, ES5; readers, modems, SMSC")
    .version(version)
    .addOption(new Option("--config <file>", "configuration file").env("OTAGATE_CONFIG"))
    .addOption(
      new Option("--url <url>", "daemon to talk to; default: the one of the state folder, else none").env(
        "OTAGATE_URL",
      ),
    )
    .option("--json", "results as JSON (JSON lines where they stream)")
    .option("--trace", "print every frame, decoded, while the command runs")
    .option("--no-color", "no colours")
    .exitOverride()
    .showHelpAfterError("(otagate --help shows what there is)")
    .enablePositionalOptions(false)
    .addHelpText("after", helpEnd);
  const globals = () => program.optsWithGlobals<GlobalOptions>();
  let tracing = false;
  let onRecords = false;
  const context: CliContext = {
    terminal,
    env,
    trace: () => tracing,
    onInterrupt: (note) => interrupt.note(note),
    connect: async () => interrupt.guard(await connect(globals(), terminal, env, onRecords)),
  };
  const io: CommandIo = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    exitCode: (code) => {
      process.exitCode = code;
    },
    env,
    readText: (path) => readFileSync(path, "utf8"),
  };
  registerReader(program, context);
  registerCard(program, context);
  registerTarget(program, context);
  registerSession(program, context);
  registerSmsc(program, context);
  const userFolders = () => loadConfig(globals().config, env).config.modemDiscovery.profiles;
  registerModem(program, context, { userFolders, open: async (address) => openAnyPort(address) });
  registerProfile(program, context, userFolders);
  registerSms(program, context);
  registerEs5(program, context);
  registerScript(program, io);
  registerScriptSend(program, context);
  registerJob(program, context);
  registerNotification(program, context);
  registerSwitch(program, context);
  registerCampaign(program, context);
  registerUpstream(program, context);
  registerToken(program, context);
  registerAudit(program, context);
  registerStore(program, context, { compact: compactor(globals, env), recover: recoverer(globals, env) });
  registerScp80(program, io);
  registerTpdu(program, io);
  registerEnvelope(program, io);
  registerDecode(program, io);
  registerTrace(program, context);
  registerAppCommands(program, context, globals);
  everyCommand(program, (command) => {
    command.exitOverride();
    addExamples(command);
    for (const flag of ["--json", "--trace"]) {
      if (command.commands.length === 0 && !command.options.some((option) => option.long === flag))
        command.addOption(new Option(flag).hideHelp());
    }
  });
  program.hook("preAction", (_program, action) => {
    const options = action.optsWithGlobals<GlobalOptions>();
    const fancy = terminal.fancy && options.color !== false;
    Object.assign(terminal, { json: options.json === true, fancy });
    tracing = options.trace === true;
    onRecords = recordCommands.has(commandPath(action));
  });
  return program;
}

const helpEnd = `
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused by card or network, 5 link unavailable,
6 timed out, 7 bad configuration, 130 interrupted

Examples:
  otagate reader list
  otagate target import eis.json
  otagate es5 enableProfile --target 89001012012341234012345678901224 --iccid 8901… --trace
  otagate decode D009810301210082028102
`;

/** A port by device path or address, for commands that open one themselves. */
async function openAnyPort(address: string): ReturnType<OpenPort> {
  const { openPort } = await import("./modem-service.ts");
  const { silentLog } = await import("../link/driver.ts");
  const full = address.startsWith("/") ? `tty:${address}` : address;
  return { port: await openPort(full, undefined, { clock: systemClock, random: Math.random, log: silentLog }) };
}

/** Opens the store of the state folder for as long as it takes. */
function compactor(globals: () => GlobalOptions, env: NodeJS.ProcessEnv): CompactStore {
  return async () => {
    const { config, state } = loadConfig(globals().config, env);
    const { SqliteStore } = await import("../store/sqlite-store.ts");
    const { masterSeal } = await import("./secrets.ts");
    await using store = await SqliteStore.open(state, masterSeal(config.masterKey, state, env));
    const before = await store.read((r) => r.retention.size());
    store.compact();
    return { before, after: await store.read((r) => r.retention.size()) };
  };
}

function recoverer(globals: () => GlobalOptions, env: NodeJS.ProcessEnv): RecoverStore {
  return async (raiseCounters) => {
    const { config, state } = loadConfig(globals().config, env);
    const { recoverStore } = await import("./recover-store.ts");
    const { masterSeal } = await import("./secrets.ts");
    return recoverStore(state, masterSeal(config.masterKey, state, env), raiseCounters);
  };
}

function everyCommand(command: Command, act: (command: Command) => void): void {
  for (const child of command.commands) {
    act(child);
    everyCommand(child, act);
  }
}

/** Commands that read or change stored records and nothing else: without a daemon they touch no hardware and run no job. */
const recordCommands: ReadonlySet<string> = new Set([
  ...["job list", "job show", "job cancel", "switch list", "switch show", "procedure list", "notification list"],
  ...["notification withhold", "campaign list", "campaign show", "campaign report", "campaign pause"],
  ...["target list", "target show", "target add", "target import", "target set", "target remove", "target export"],
  ...["token create", "token list", "token revoke", "audit list", "store show", "store prune", "trace export"],
]);

/** The daemon that runs, or one inside this process for as long as the command takes. */
async function connect(
  options: GlobalOptions,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
  recordsOnly: boolean,
): Promise<Connection> {
  if (options.url !== undefined) {
    requireUrl(options.url);
    const token = env.OTAGATE_TOKEN;
    return {
      api: new ApiClient({ url: options.url, ...(token === undefined ? {} : { token }) }),
      embedded: false,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const { config, state } = loadConfig(options.config, env);
  const socketPath = join(state, socketName);
  if (await answers(socketPath))
    return { api: new ApiClient({ socketPath }), embedded: false, [Symbol.asyncDispose]: async () => {} };
  const { Daemon } = await import("./daemon.ts");
  const { jsonLog } = await import("./log.ts");
  if (terminal.fancy) say(terminal, paint(terminal, "dim", "no daemon is running: working in this process"));
  const daemon = await Daemon.start({ config, state, env, log: jsonLog("error"), recordsOnly });
  return {
    api: new ApiClient({ socketPath: daemon.socketPath }),
    embedded: true,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** @throws api.usage when it is not the URL of an HTTP server */
function requireUrl(text: string): void {
  if (URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol)) return;
  throw new GatewayError("api.usage", `--url: '${text}' must be a URL such as http://127.0.0.1:8080`, {
    detail: { field: "url" },
  });
}

function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connectSocket(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
