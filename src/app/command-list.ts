import { readFileSync } from "node:fs";
import { type Command, Help } from "commander";
import type { CliContext } from "../face/cli/context.ts";
import type { CommandIo } from "../face/cli/run-operation.ts";

/** Dependencies that the program passes to the commands. */
interface CommandParts {
  readonly context: CliContext;
  readonly globals: () => { readonly config?: string; readonly url?: string };
}

/** A command of the first level. `otagate --help` prints everything but `register` without loading the module. */
interface ListedCommand {
  readonly summary: string;
  /** Options and arguments, for commands without subcommands. */
  readonly usage?: string;
  readonly hidden?: boolean;
  /**
   * Its subcommands that only read or change stored records: without a daemon they access no hardware and run no job.
   */
  readonly records?: readonly string[];
  /**
   * Adds its options and subcommands. Its module is loaded only when the command is called, so that a command loads
   * only what it needs.
   */
  register(own: Command, parts: CommandParts): Promise<void>;
}

/** Commands of the first level, in the order of the help. */
export const commandList = {
  reader: {
    summary: "list card readers and reset their cards",
    async register(own, { context }) {
      const { registerReader } = await import("../face/cli/commands/reader.ts");
      registerReader(own, context);
    },
  },
  card: {
    summary: "inspect the card in a reader and exchange APDUs",
    async register(own, { context }) {
      const { registerCard } = await import("../face/cli/commands/reader.ts");
      registerCard(own, context);
    },
  },
  target: {
    summary: "manage eUICC and UICC targets",
    records: ["list", "show", "add", "import", "set", "remove", "export"],
    async register(own, { context }) {
      const { registerTarget } = await import("../face/cli/commands/target.ts");
      const { registerTargetTrigger } = await import("../face/cli/commands/session.ts");
      registerTarget(own, context);
      registerTargetTrigger(own, context);
    },
  },
  connectivity: {
    summary: "show and change the connectivity parameters of a card",
    async register(own, { context }) {
      const { registerConnectivity } = await import("../face/cli/commands/target-card.ts");
      registerConnectivity(own, context);
    },
  },
  session: {
    summary: "manage SCP81 sessions",
    async register(own, { context }) {
      const { registerSession } = await import("../face/cli/commands/session.ts");
      registerSession(own, context);
    },
  },
  smsc: {
    summary: "manage SMSC accounts and the SMSC face",
    async register(own, { context }) {
      const { registerSmsc } = await import("../face/cli/commands/smsc.ts");
      registerSmsc(own, context);
    },
  },
  modem: {
    summary: "manage cellular modems",
    async register(own, parts) {
      const { registerModem } = await import("../face/cli/commands/modem.ts");
      registerModem(own, parts.context, { userFolders: await profileFolders(parts), open: openAnyPort });
    },
  },
  "hardware-profile": {
    summary: "list and check hardware profiles of modems",
    async register(own, parts) {
      const { registerHardwareProfile } = await import("../face/cli/commands/hardware-profile.ts");
      registerHardwareProfile(own, parts.context, await profileFolders(parts));
    },
  },
  profile: {
    summary: "show, check, compare and personalize profile packages",
    async register(own, parts) {
      const { registerProfile } = await import("../face/cli/commands/profile.ts");
      const folders = await profileFolders(parts);
      registerProfile(own, parts.context, async (path) => {
        const { printChecked } = await import("../face/cli/commands/hardware-profile.ts");
        printChecked(path, parts.context, folders());
      });
    },
  },
  sms: {
    summary: "send and list plain text messages",
    async register(own, { context }) {
      const { registerSms } = await import("../face/cli/commands/modem.ts");
      registerSms(own, context);
    },
  },
  es5: {
    summary: "call ES5 functions of an eUICC (SGP.02 §4.1.1)",
    async register(own, { context }) {
      const { registerEs5 } = await import("../face/cli/commands/es5.ts");
      registerEs5(own, context);
    },
  },
  script: {
    summary: "encode, decode and send scripts",
    async register(own, { context }) {
      const { registerScript } = await import("../face/cli/commands/script.ts");
      const { registerScriptSend } = await import("../face/cli/commands/script-send.ts");
      registerScript(own, ioOf(context));
      registerScriptSend(own, context);
    },
  },
  job: {
    summary: "list, watch and cancel jobs",
    records: ["list", "show", "cancel"],
    async register(own, { context }) {
      const { registerJob } = await import("../face/cli/commands/job.ts");
      registerJob(own, context);
    },
  },
  notification: {
    summary: "list, show, confirm and withhold notifications of eUICCs",
    records: ["list", "show", "withhold"],
    async register(own, { context }) {
      const { registerNotification } = await import("../face/cli/commands/notification.ts");
      registerNotification(own, context);
    },
  },
  switch: {
    summary: "list profile switches and wait for their end",
    records: ["list", "show"],
    async register(own, { context }) {
      const { registerSwitch } = await import("../face/cli/commands/switch.ts");
      registerSwitch(own, context);
    },
  },
  procedure: {
    summary: "former name of switch",
    hidden: true,
    records: ["list"],
    async register(own, { context }) {
      const { registerSwitchList } = await import("../face/cli/commands/switch.ts");
      registerSwitchList(own, context);
    },
  },
  event: {
    summary: "list and watch events of the gateway",
    records: ["list"],
    async register(own, { context }) {
      const { registerEvent } = await import("../face/cli/commands/event.ts");
      registerEvent(own, context);
    },
  },
  campaign: {
    summary: "run one action on many targets",
    records: ["list", "show", "report", "pause"],
    async register(own, { context }) {
      const { registerCampaign } = await import("../face/cli/commands/campaign.ts");
      registerCampaign(own, context);
    },
  },
  download: {
    summary: "download profile packages to eUICCs",
    records: ["list", "show", "report", "cancel"],
    async register(own, { context }) {
      const { registerDownload } = await import("../face/cli/commands/download.ts");
      registerDownload(own, context);
    },
  },
  "sm-dp": {
    summary: "make, list and check credentials of SM-DPs",
    records: ["list"],
    async register(own, { context, globals }) {
      const { registerSmDp } = await import("./commands/sm-dp.ts");
      registerSmDp(own, context, globals);
    },
  },
  upstream: {
    summary: "show upstream SM-SRs and their dead letters",
    async register(own, { context }) {
      const { registerUpstream } = await import("../face/cli/commands/upstream.ts");
      registerUpstream(own, context);
    },
  },
  token: {
    summary: "manage API tokens",
    records: ["create", "list", "revoke"],
    async register(own, { context }) {
      const { registerToken } = await import("../face/cli/commands/token.ts");
      registerToken(own, context);
    },
  },
  audit: {
    summary: "show the audit log",
    records: ["list"],
    async register(own, { context }) {
      const { registerAudit } = await import("../face/cli/commands/audit.ts");
      registerAudit(own, context);
    },
  },
  store: {
    summary: "show, prune and recover the store",
    records: ["show", "prune"],
    async register(own, { context, globals }) {
      const { registerStore } = await import("../face/cli/commands/store.ts");
      const { storeWork } = await import("./store-work.ts");
      registerStore(own, context, storeWork(globals, context.env));
    },
  },
  scp80: {
    summary: "secure and open SCP80 packets",
    async register(own, { context }) {
      const { registerScp80 } = await import("../face/cli/commands/offline/scp80.ts");
      registerScp80(own, ioOf(context));
    },
  },
  tpdu: {
    summary: "encode and decode SMS TPDUs",
    async register(own, { context }) {
      const { registerTpdu } = await import("../face/cli/commands/offline/tpdu.ts");
      registerTpdu(own, ioOf(context));
    },
  },
  envelope: {
    summary: "wrap an SMS-DELIVER in an ENVELOPE (SMS-PP DOWNLOAD)",
    usage: "[options] [tpdu]",
    async register(own, { context }) {
      const { registerEnvelope } = await import("../face/cli/commands/offline/envelope.ts");
      registerEnvelope(own, ioOf(context));
    },
  },
  decode: {
    summary: "identify and decode hex: APDU, TPDU, packet, script, TLS, HTTP, profile package, notification, EID …",
    usage: "[options] [hex...]",
    async register(own, { context }) {
      const { registerDecode } = await import("../face/cli/commands/offline/decode.ts");
      registerDecode(own, ioOf(context));
    },
  },
  trace: {
    summary: "show and export traced frames",
    records: ["export"],
    async register(own, { context }) {
      const { registerTrace } = await import("../face/cli/commands/trace.ts");
      registerTrace(own, context);
    },
  },
  daemon: {
    summary: "run the gateway until SIGTERM or SIGINT",
    usage: "[options]",
    async register(own, { context, globals }) {
      const { registerDaemon } = await import("./commands/daemon.ts");
      registerDaemon(own, context, globals);
    },
  },
  sim: {
    summary: "run and control simulators: eUICC, modem, SMSC, fleet",
    async register(own, { context, globals }) {
      const { registerSim } = await import("./commands/sim.ts");
      const { loadConfig } = await import("./config/config.ts");
      registerSim(own, context, () => loadConfig(globals().config, context.env).state);
    },
  },
  doctor: {
    summary: "check this machine and suggest repairs",
    usage: "[options]",
    async register(own, { context, globals }) {
      const { registerDoctor } = await import("./commands/doctor.ts");
      registerDoctor(own, context, globals);
    },
  },
  demo: {
    summary: "run an end-to-end demo on a simulated eUICC: audit, enable, notification, disable",
    usage: "[options]",
    async register(own, { context }) {
      const { registerDemo } = await import("./commands/demo.ts");
      registerDemo(own, context);
    },
  },
  run: {
    summary: "run scenarios and check their expectations",
    usage: "[options] <file...>",
    async register(own, { context }) {
      const { registerRun } = await import("./commands/run.ts");
      registerRun(own, context);
    },
  },
} as const satisfies Readonly<Record<string, ListedCommand>>;

/** Name of a command of the first level. */
export type CommandName = keyof typeof commandList;

/** Adds a listed command to the program, without its options and subcommands. */
export function addListed(program: Command, name: CommandName): Command {
  const { summary, hidden = false }: ListedCommand = commandList[name];
  return program.command(name, { hidden }).description(summary);
}

/** The text of a command in a list of commands, whether or not its module is loaded. */
export function listedTerm(command: Command): string {
  const name = command.name();
  if (command.parent?.parent !== null || !isCommandName(name)) return new Help().subcommandTerm(command);
  const { usage }: ListedCommand = commandList[name];
  return usage === undefined ? name : `${name} ${usage}`;
}

/** Whether a command works on stored records alone; `path` holds its words, as `job list`. */
export function isRecordCommand(path: string): boolean {
  const [name = "", verb = ""] = path.split(" ");
  if (!isCommandName(name)) return false;
  const { records = [] }: ListedCommand = commandList[name];
  return records.includes(verb);
}

/** Whether a word of the command line is a command of the first level. */
export function isCommandName(word: string): word is CommandName {
  return Object.hasOwn(commandList, word);
}

/** The process, for commands that need no daemon. */
function ioOf({ env }: CliContext): CommandIo {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    exitCode: (code) => {
      process.exitCode = code;
    },
    env,
    readText: (path) => readFileSync(path, "utf8"),
  };
}

/** Folders of the configuration with hardware profiles of its own. */
async function profileFolders({ context, globals }: CommandParts): Promise<() => readonly string[]> {
  const { loadConfig } = await import("./config/config.ts");
  return () => loadConfig(globals().config, context.env).config.modemDiscovery.profiles;
}

/** A port by device path or address, for commands that open one themselves. */
async function openAnyPort(address: string) {
  const { driverRegistry } = await import("./driver-registry.ts");
  const { silentLog } = await import("../link/driver.ts");
  const { systemClock } = await import("../base/clock.ts");
  const registry = driverRegistry();
  const deps = { clock: systemClock, random: Math.random, log: silentLog };
  return { port: await registry.openPort(await registry.resolvePort(address), undefined, deps) };
}
