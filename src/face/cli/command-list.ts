import { type Command, Help } from "commander";

/** A command of the first level: what the list of `otagate --help` prints, without the module behind it. */
interface ListedCommand {
  readonly summary: string;
  /** Options and arguments, for commands that have no commands below them. */
  readonly usage?: string;
  readonly hidden?: boolean;
  /**
   * Its commands that read or change stored records and nothing else: without a daemon they touch no hardware and run
   * no job.
   */
  readonly records?: readonly string[];
}

/** Commands of the first level, in the order of the help. */
export const commandList = {
  reader: { summary: "list card readers and reset their cards" },
  card: { summary: "inspect the card in a reader and exchange APDUs" },
  target: {
    summary: "manage eUICC and UICC targets",
    records: ["list", "show", "add", "import", "set", "remove", "export"],
  },
  connectivity: { summary: "show and change the connectivity parameters of a card" },
  session: { summary: "manage SCP81 sessions" },
  smsc: { summary: "manage SMSC accounts and the SMSC face" },
  modem: { summary: "manage cellular modems" },
  profile: { summary: "list and check hardware profiles of modems" },
  sms: { summary: "send and list plain text messages" },
  es5: { summary: "call ES5 functions of an eUICC (SGP.02 §4.1.1)" },
  script: { summary: "encode, decode and send scripts" },
  job: { summary: "list, watch and cancel jobs", records: ["list", "show", "cancel"] },
  notification: { summary: "list, confirm and withhold notifications of eUICCs", records: ["list", "withhold"] },
  switch: { summary: "list profile switches and wait for their end", records: ["list", "show"] },
  procedure: { summary: "former name of switch", hidden: true, records: ["list"] },
  campaign: { summary: "run one action on many targets", records: ["list", "show", "report", "pause"] },
  upstream: { summary: "show upstream SM-SRs and their dead letters" },
  token: { summary: "manage API tokens", records: ["create", "list", "revoke"] },
  audit: { summary: "show the audit log", records: ["list"] },
  store: { summary: "show, prune and recover the store", records: ["show", "prune"] },
  scp80: { summary: "secure and open SCP80 packets" },
  tpdu: { summary: "encode and decode SMS TPDUs" },
  envelope: { summary: "wrap an SMS-DELIVER in an ENVELOPE (SMS-PP DOWNLOAD)", usage: "[options] [tpdu]" },
  decode: {
    summary: "identify and decode hex: APDU, TPDU, packet, script, TLS, HTTP, profile package, notification, EID …",
    usage: "[options] [hex...]",
  },
  trace: { summary: "show and export traced frames", records: ["export"] },
  daemon: { summary: "run the gateway until SIGTERM or SIGINT", usage: "[options]" },
  sim: { summary: "run a simulator: eUICC, modem, SMSC, fleet" },
  doctor: { summary: "check this machine and suggest repairs", usage: "[options]" },
  demo: {
    summary: "run an end-to-end demo on a simulated eUICC: audit, enable, notification, disable",
    usage: "[options]",
  },
  run: { summary: "run scenarios and check their expectations", usage: "[options] <file...>" },
} as const satisfies Readonly<Record<string, ListedCommand>>;

/** Name of a command of the first level. */
export type CommandName = keyof typeof commandList;

/** Adds a listed command to the program, without options and commands of its own yet. */
export function addListed(program: Command, name: CommandName): Command {
  const { summary, hidden = false }: ListedCommand = commandList[name];
  return program.command(name, { hidden }).description(summary);
}

/** How a list of commands prints one of them, whether or not its module is loaded. */
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
