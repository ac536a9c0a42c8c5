/** A way to fail, switched on and off while the modem runs. */
export interface Misbehaviour {
  /** This many unsolicited lines a second, anywhere between other output. */
  readonly urcStorm: number;
  /** Final results come this much later. */
  readonly lateMs: number;
  /** Share of lines that lose their end, 0 to 1. */
  readonly truncate: number;
  /** Share of lines that lose or change an octet, 0 to 1. */
  readonly garbage: number;
  /** Share of commands in which the modem restarts instead of answering, 0 to 1. */
  readonly reboot: number;
  /** Share of messages that leave while their +CMGS result is lost, 0 to 1. */
  readonly loseSendResult: number;
  /** Share of commands that are never answered, 0 to 1. */
  readonly mute: number;
  /** Card commands end in +CME ERROR: 14. */
  readonly simBusy: boolean;
  /** Writes go out in pieces of at most this many octets; 0 = whole. */
  readonly chunk: number;
  /** Octets per second of the line, for slow UARTs; 0 = as fast as it goes. */
  readonly bytesPerSecond: number;
  /** Commands (`+CSIM`) that end in ERROR, regardless of their form. */
  readonly refuse: readonly string[];
  /** Commands that answer and send no final result, as old firmware does after +CPIN?. */
  readonly noFinal: readonly string[];
  /** Commands that end in OK without the line they should give. */
  readonly bareOk: readonly string[];
  /** A NUL comes before each prompt. */
  readonly nulPrompt: boolean;
  /** A notice cuts the echo of each command in two. */
  readonly cutEcho: boolean;
  /** This many octets stand behind each PDU. */
  readonly pduTail: number;
  /** Its power-off command is final: nothing holds its power key down. */
  readonly staysOff: boolean;
}

/** A modem that behaves. */
export const wellBehaved: Misbehaviour = {
  urcStorm: 0,
  lateMs: 0,
  truncate: 0,
  garbage: 0,
  reboot: 0,
  loseSendResult: 0,
  mute: 0,
  simBusy: false,
  chunk: 0,
  bytesPerSecond: 0,
  refuse: [],
  noFinal: [],
  bareOk: [],
  nulPrompt: false,
  cutEcho: false,
  pduTail: 0,
  staysOff: false,
};

/**
 * Reads `--misbehave` in the usual notation: `late=2000,truncate=0.01,storm=50,sim-busy`; lists of commands as
 * `refuse=CSIM/COPS`. Returns undefined for a word it does not know.
 */
export function parseMisbehaviour(text: string): Misbehaviour | undefined {
  const names: Readonly<Record<string, keyof Misbehaviour>> = {
    storm: "urcStorm",
    late: "lateMs",
    truncate: "truncate",
    garbage: "garbage",
    reboot: "reboot",
    "lose-result": "loseSendResult",
    mute: "mute",
    "sim-busy": "simBusy",
    chunk: "chunk",
    speed: "bytesPerSecond",
    refuse: "refuse",
    "no-ok": "noFinal",
    "bare-ok": "bareOk",
    "nul-prompt": "nulPrompt",
    "cut-echo": "cutEcho",
    "pdu-tail": "pduTail",
    "stays-off": "staysOff",
  };
  const entries: [string, number | boolean | readonly string[]][] = [];
  for (const part of text.split(",").filter((each) => each !== "")) {
    const [word = "", value] = part.split("=");
    const name = names[word.trim()];
    if (name === undefined) return undefined;
    if (Array.isArray(wellBehaved[name])) {
      const commands = (value ?? "").split("/").filter((each) => each !== "");
      if (commands.length === 0) return undefined;
      entries.push([name, commands.map((each) => (/^[A-Za-z]/.test(each) ? `+${each}` : each).toUpperCase())]);
      continue;
    }
    const number = value === undefined ? 1 : Number(value);
    if (!Number.isFinite(number) || number < 0) return undefined;
    entries.push([name, typeof wellBehaved[name] === "boolean" ? number > 0 : number]);
  }
  return { ...wellBehaved, ...Object.fromEntries(entries) };
}

/** The line as it goes out: what looks like a PDU gets its tail, and then chance has its turn. */
export function shownLine(line: string, misbehaviour: Misbehaviour, random: () => number): string {
  const { pduTail } = misbehaviour;
  const whole = pduTail > 0 && /^(?:[0-9A-Fa-f]{2}){15,}$/.test(line) ? line + "FF".repeat(pduTail) : line;
  return corrupt(whole, misbehaviour, random);
}

/** Cuts or spoils a line by chance. */
export function corrupt(line: string, { truncate, garbage }: Misbehaviour, random: () => number): string {
  if (truncate > 0 && random() < truncate) return line.slice(0, Math.floor(random() * line.length));
  if (garbage === 0 || random() >= garbage || line.length === 0) return line;
  const at = Math.floor(random() * line.length);
  return line.slice(0, at) + String.fromCharCode(0x80 + Math.floor(random() * 0x7f)) + line.slice(at + 1);
}
