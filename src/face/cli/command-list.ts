import { type Command, Help } from "commander";

/** A command of the first level: what the list of `otagate --help` prints, without the module behind it. */
interface ListedCommand {
  readonly summary: string;
  /** Options and arguments, for commands that have no commands below them. */
  readonly usage?: string;
  readonly hidden?: boolean;
}

/** Commands of the first level, in the order of the help. */
export const commandList = {
  reader: { summary: "card readers" },
  card: { summary: "the card in a reader" },
  target: { summary: "eUICCs and UICCs that are addressed" },
  connectivity: { summary: "how a card reaches its SM-SR and the network" },
  session: { summary: "SCP81 sessions that eUICCs opened" },
  smsc: { summary: "binds to operators' SMSCs, and the SMSC that others bind to" },
  modem: { summary: "cellular modems" },
  profile: { summary: "hardware profiles of modems" },
  sms: { summary: "plain text messages, for tests of a link" },
  es5: { summary: "ES5 functions of the eUICC (SGP.02 §4.1.1)" },
  script: { summary: "build, read and send scripts" },
  job: { summary: "scripts on their way to cards" },
  notification: { summary: "what eUICCs reported" },
  switch: { summary: "profile switches: from acceptance to confirmation" },
  procedure: { summary: "former name of switch", hidden: true },
  campaign: { summary: "one function over many targets" },
  upstream: { summary: "the SM-SRs above this gateway" },
  token: { summary: "tokens of the API over TCP" },
  audit: { summary: "who did what" },
  store: { summary: "what is kept, and the removal of old records" },
  scp80: { summary: "secure and open SCP80 packets" },
  tpdu: { summary: "build and read SMS TPDUs" },
  envelope: { summary: "put an SMS-DELIVER into ENVELOPE (SMS-PP DOWNLOAD)", usage: "[options] [tpdu]" },
  decode: {
    summary: "identify and decode hex: APDU, TPDU, packet, script, TLS, HTTP, profile package, notification, EID …",
    usage: "[options] [hex...]",
  },
  trace: { summary: "see and export the frames that passed" },
  daemon: { summary: "run the gateway until SIGTERM or SIGINT", usage: "[options]" },
  sim: { summary: "simulated hardware, each a program of its own" },
  doctor: { summary: "look at this machine: what works, what is missing, what to do", usage: "[options]" },
  demo: {
    summary: "show the whole way on a simulated eUICC: audit, enable, notification, disable",
    usage: "[options]",
  },
  run: { summary: "play scenarios: steps and what must come of them", usage: "[options] <file...>" },
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

/** Whether a word of the command line is a command of the first level. */
export function isCommandName(word: string): word is CommandName {
  return Object.hasOwn(commandList, word);
}
