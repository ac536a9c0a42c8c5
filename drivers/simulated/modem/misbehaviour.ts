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
};

/**
 * Reads `--misbehave` as people write it: `late=2000,truncate=0.01,storm=50,sim-busy`.
 * Returns undefined for a word it does not know.
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
  };
  const entries: [string, number | boolean][] = [];
  for (const part of text.split(",").filter((each) => each !== "")) {
    const [word = "", value] = part.split("=");
    const name = names[word.trim()];
    const number = value === undefined ? 1 : Number(value);
    if (name === undefined || !Number.isFinite(number) || number < 0) return undefined;
    entries.push([name, name === "simBusy" ? number > 0 : number]);
  }
  return { ...wellBehaved, ...Object.fromEntries(entries) };
}

/** Cuts or spoils a line by chance. */
export function spoil(line: string, { truncate, garbage }: Misbehaviour, random: () => number): string {
  if (truncate > 0 && random() < truncate) return line.slice(0, Math.floor(random() * line.length));
  if (garbage === 0 || random() >= garbage || line.length === 0) return line;
  const at = Math.floor(random() * line.length);
  return line.slice(0, at) + String.fromCharCode(0x80 + Math.floor(random() * 0x7f)) + line.slice(at + 1);
}
