/** How to read a value and the form of the answer, as in hardware profiles. */
interface ProfileQuery {
  readonly command: string;
  /** Regular expression for the answer line; its first group is the value. */
  readonly pattern: string;
  readonly decode?: "plain" | "swap-nibbles" | undefined;
}

/** The part of a hardware profile that the simulator plays: any file of `hardware-profiles/` with `extends` resolved. */
export interface PlayedProfile {
  readonly name: string;
  readonly title?: string | undefined;
  readonly vendor?: string | undefined;
  readonly models?: readonly string[] | undefined;
  readonly init?: readonly string[] | undefined;
  readonly startup?:
    | { readonly banner?: readonly string[] | undefined; readonly ready?: string | undefined }
    | undefined;
  readonly identity?:
    | Readonly<Partial<Record<"imei" | "imsi" | "iccid" | "eid", readonly ProfileQuery[] | undefined>>>
    | undefined;
  readonly card?:
    | { readonly access?: readonly string[] | undefined; readonly maxData?: number | undefined }
    | undefined;
  readonly sms?:
    | { readonly storages?: readonly string[] | undefined; readonly indications?: readonly string[] | undefined }
    | undefined;
  readonly toolkit?:
    | {
        readonly dialect?: string | undefined;
        readonly query?: ProfileQuery | undefined;
        readonly on?: string | undefined;
        readonly enable?: readonly string[] | undefined;
      }
    | undefined;
  readonly power?:
    | {
        readonly restart?: readonly string[] | undefined;
        readonly off?: readonly string[] | undefined;
        readonly reenumerates?: boolean | undefined;
      }
    | undefined;
  readonly urcs?: readonly { readonly pattern: string; readonly event: string }[] | undefined;
  readonly quirks?: readonly string[] | undefined;
}

/** Lines of a start that come when the card is there. */
const cardLine = /CPIN|SMS DONE|SMS READY|PB DONE|QUSIM/i;

/** What the modem states about itself. */
export interface ModemIdentity {
  readonly maker: string;
  readonly model: string;
  readonly revision: string;
  readonly imei: string;
}

/** Simulates a generic modem: what TS 27.005 and TS 27.007 promise. */
export const plainProfile: PlayedProfile = { name: "simulated", vendor: "otagate", models: ["SIM-1"] };

/** A hardware profile turned round: the answers that a driver's patterns expect. */
export class ProfileBehaviour {
  readonly profile: PlayedProfile;
  readonly identity: ModemIdentity;
  readonly quirks: ReadonlySet<string>;

  constructor(profile: PlayedProfile, identity: Partial<ModemIdentity> = {}) {
    this.profile = profile;
    this.quirks = new Set(profile.quirks ?? []);
    const model = profile.models?.[0] ?? "SIM-1";
    this.identity = {
      maker: profile.vendor === undefined || profile.vendor === "" ? "otagate" : profile.vendor,
      model,
      revision: `${model.replace(/[^A-Za-z0-9]/g, "")}R01A01`,
      imei: "490154203237518",
      ...identity,
    };
  }

  /** True when the card is reached this way; every way if the profile gives none. */
  access(way: "cgla" | "csim"): boolean {
    return this.profile.card?.access?.includes(way) ?? true;
  }

  /** Lines after power-on: those of the module, and those that come when the card is there. */
  get banner(): { readonly early: readonly string[]; readonly late: readonly string[] } {
    const lines = this.profile.startup?.banner ?? ["RDY"];
    return { early: lines.filter((line) => !cardLine.test(line)), late: lines.filter((line) => cardLine.test(line)) };
  }

  /** True for the line after which it takes commands; without one in the profile, the last line of the start. */
  isReady(line: string): boolean {
    const { ready } = this.profile.startup ?? {};
    return ready !== undefined && new RegExp(ready, "u").test(line);
  }

  /** True when a restart takes it off the bus. */
  get reenumerates(): boolean {
    return this.profile.power?.reenumerates === true;
  }

  /** The profile's own URC for an event, when it has one beside those of the standard; `value` fills its first group. */
  urc(event: string, value = "1"): string | undefined {
    const rule = (this.profile.urcs ?? []).find((candidate) => candidate.event === event);
    return rule === undefined ? undefined : sampleOf(rule.pattern, value);
  }

  /** Which query of the profile this command line is, without regard to case. */
  query(line: string): { readonly kind: "imei" | "imsi" | "iccid" | "eid"; readonly query: ProfileQuery } | undefined {
    for (const kind of ["iccid", "eid", "imei", "imsi"] as const) {
      const query = this.profile.identity?.[kind]?.find(({ command }) => sameLine(command, line));
      if (query !== undefined) return { kind, query };
    }
    return undefined;
  }

  isRestart(line: string): boolean {
    return (this.profile.power?.restart ?? []).some((command) => sameLine(command, line));
  }

  isOff(line: string): boolean {
    return (this.profile.power?.off ?? []).some((command) => sameLine(command, line));
  }

  /** A line that the profile sends to set the modem up: its own settings, of which only the acceptance matters. */
  isSetting(line: string): boolean {
    return (this.profile.init ?? []).some((command) => sameLine(command, line));
  }

  isToolkitEnable(line: string): boolean {
    return (this.profile.toolkit?.enable ?? []).some((command) => sameLine(command, line));
  }
}

function sameLine(a: string, b: string): boolean {
  return a.toUpperCase() === b.toUpperCase();
}

/** The answer line for a value, written the way the query's pattern reads it. */
export function answerTo({ command, pattern, decode }: ProfileQuery, value: string): string {
  const shown = decode === "swap-nibbles" ? swapNibbles(value) : value;
  const name = /^AT([^=?]*)/i.exec(command)?.[1] ?? "";
  const candidates = [sampleOf(pattern, shown), `${name}: ${shown}`, `${name}: "${shown}"`, shown];
  return candidates.find((line) => new RegExp(pattern, "u").exec(line)?.[1] === shown) ?? `${name}: ${shown}`;
}

function swapNibbles(digits: string): string {
  const padded = digits.length % 2 === 0 ? digits : `${digits}F`;
  return padded.replace(/(.)(.)/g, "$2$1");
}

/**
 * A line that a pattern of a hardware profile matches: literals as they are, optional parts included (quotes left
 * out), the first alternative of a choice, `value` for the first group where it fits, and the least for what else is open.
 */
export function sampleOf(pattern: string, value: string): string {
  const source = pattern.replace(/^\^/, "").replace(/\$$/, "");
  const given = sampleSequence(source, once(value));
  const samples = [given, given.trimEnd(), sampleSequence(source, () => undefined)];
  return samples.find((sample) => new RegExp(pattern, "u").test(sample)) ?? given;
}

function once(value: string): () => string | undefined {
  let used = false;
  return () => {
    const first = !used;
    used = true;
    return first ? value : undefined;
  };
}

const classSamples: Readonly<Record<string, string>> = { d: "1", w: "A", s: " ", b: "", D: "A", W: "-", S: "A", B: "" };

function sampleSequence(source: string, group: () => string | undefined): string {
  let out = "";
  for (let at = 0; at < source.length; ) {
    const piece = atomAt(source, at);
    const quantifier = /^(?:[?*+]|\{\d+(?:,\d*)?\})\??/.exec(source.slice(at + piece.length))?.[0] ?? "";
    out += repeat(sampleAtom(piece, group), quantifier);
    at += piece.length + quantifier.length;
  }
  return out;
}

function repeat(sample: string, quantifier: string): string {
  if (quantifier.startsWith("*") || (quantifier === "?" && sample === '"')) return "";
  const least = /^\{(\d+)/.exec(quantifier)?.[1];
  return sample.repeat(least === undefined ? 1 : Number(least));
}

/** The atom that starts here: a group, a class, an escape or a character. */
function atomAt(source: string, at: number): string {
  const c = source[at];
  if (c === "\\") return source.slice(at, at + 2);
  if (c === "[") return source.slice(at, source.indexOf("]", at + 2) + 1);
  if (c !== "(") return source.slice(at, at + 1);
  let depth = 0;
  for (let end = at; end < source.length; end++) {
    if (source[end] === "\\") end += 1;
    else if (source[end] === "(") depth += 1;
    else if (source[end] === ")" && --depth === 0) return source.slice(at, end + 1);
  }
  return source.slice(at);
}

function sampleAtom(atom: string, group: () => string | undefined): string {
  if (atom.startsWith("\\")) return classSamples[atom[1] ?? ""] ?? atom.slice(1);
  if (atom.startsWith("[")) return /^\[\^/.test(atom) ? "A" : (/^\[\\?(.)/.exec(atom)?.[1] ?? "").replace("d", "1");
  if (!atom.startsWith("(")) return atom === "." ? "A" : atom;
  const capturing = !atom.startsWith("(?");
  const inner = atom.slice(capturing ? 1 : 3, -1);
  const given = capturing ? group() : undefined;
  return given ?? sampleSequence(firstAlternative(inner), capturing ? () => undefined : group);
}

function firstAlternative(source: string): string {
  let depth = 0;
  for (let at = 0; at < source.length; at++) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === "(") depth += 1;
    else if (source[at] === ")") depth -= 1;
    else if (source[at] === "|" && depth === 0) return source.slice(0, at);
  }
  return source;
}
