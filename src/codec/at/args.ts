import { codecError } from "../../base/gateway-error.ts";

/** One parameter of an information line or URC. */
interface AtArg {
  /** Without its quotes. */
  readonly text: string;
  readonly quoted: boolean;
}

/** An information line or URC taken apart: `+CREG: 2,1` is prefix `+CREG` with two parameters. */
interface AtLine {
  /** `+CSQ`, `^ICCID`, `#QSS`; undefined for a bare line. */
  readonly prefix?: string;
  /** What follows the colon, or the whole bare line. */
  readonly rest: string;
}

const prefixed = /^[+^#%*!$][A-Za-z0-9_]+(?: [A-Z]+)?$/;

/** Takes the prefix off; spaces around the colon are as each firmware likes them. V.250 §5.4.4 */
export function splitLine(text: string): AtLine {
  // The colon is looked for first: answers may be long, prefixes are not.
  const colon = text.indexOf(":");
  if (colon < 2) return { rest: text };
  const prefix = text.slice(0, text[colon - 1] === " " ? colon - 1 : colon);
  return prefixed.test(prefix) ? { prefix, rest: text.slice(colon + 1).trimStart() } : { rest: text };
}

/** Splits at commas outside quotes and parentheses; an empty parameter is `{text: "", quoted: false}`. V.250 §5.4.4.2 */
export function parseArgs(rest: string): readonly AtArg[] {
  if (rest.trim() === "") return [];
  const args: AtArg[] = [];
  for (let at = 0; at <= rest.length; ) {
    const end = argEnd(rest, at);
    args.push(readArg(rest.slice(at, end)));
    at = end + 1;
  }
  return args;
}

/** Position of the comma that ends the parameter, or the end of the text. */
function argEnd(rest: string, from: number): number {
  let depth = 0;
  for (let at = from; at < rest.length; at++) {
    const character = rest[at];
    if (character === '"') {
      const closing = rest.indexOf('"', at + 1);
      if (closing < 0) return rest.length;
      at = closing;
    } else if (character === "(") depth++;
    else if (character === ")") depth = Math.max(0, depth - 1);
    else if (character === "," && depth === 0) return at;
  }
  return rest.length;
}

function readArg(raw: string): AtArg {
  const text = raw.trim();
  if (text[0] !== '"') return { text, quoted: false };
  return { text: text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined), quoted: true };
}

/** Reads parameters one after the other, with errors that name them. */
export class ArgReader {
  readonly #args: readonly AtArg[];
  readonly #what: string;
  #at = 0;

  constructor(args: readonly AtArg[], what: string) {
    this.#args = args;
    this.#what = what;
  }

  get remaining(): number {
    return this.#args.length - this.#at;
  }

  #next(): AtArg | undefined {
    const arg = this.#args[this.#at];
    this.#at++;
    return arg;
  }

  #fail(field: string, why: string): never {
    throw codecError("codec.text", `${this.#what}: ${field} ${why}`, this.#at - 1, { field });
  }

  /** A decimal number, quoted or not. @throws codec.text */
  int(field: string): number {
    const value = this.maybeInt();
    return value === undefined ? this.#fail(field, "is not a number") : value;
  }

  /** A decimal number, or undefined when it is absent, empty or something else. */
  maybeInt(): number | undefined {
    const text = this.#next()?.text.trim();
    return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
  }

  /** A hexadecimal number such as <lac> or <ci>, or undefined. */
  maybeHexInt(): number | undefined {
    const text = this.#next()?.text.trim();
    return text !== undefined && /^[0-9a-fA-F]{1,12}$/.test(text) ? Number.parseInt(text, 16) : undefined;
  }

  /** @throws codec.text when the parameter is missing */
  text(field: string): string {
    return this.#next()?.text ?? this.#fail(field, "is missing");
  }

  /** The text, or undefined when the parameter is absent or empty. */
  maybeText(): string | undefined {
    const text = this.#next()?.text;
    return text === "" ? undefined : text;
  }

  /** Octets in hexadecimal. @throws codec.text */
  hex(field: string): Uint8Array {
    const text = (this.#next()?.text ?? this.#fail(field, "is missing")).trim();
    return hexText(text, `${this.#what}: ${field}`);
  }
}

/** Octets written as hexadecimal digits, nothing else. @throws codec.text */
export function hexText(text: string, what: string): Uint8Array {
  const bytes = Buffer.from(text, "hex");
  // It stops at the first thing that is not a pair of digits.
  if (bytes.length * 2 !== text.length) {
    const bad = text.search(/[^0-9a-fA-F]/);
    if (bad >= 0) throw codecError("codec.text", `${what} is not hexadecimal text`, bad);
    throw codecError("codec.text", `${what} has an odd number of digits`, text.length);
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A string parameter of a modem that was left in the UCS2 or HEX character set, as its text; any other text as it is.
 * TS 27.007 §5.5
 */
export function charsetText(text: string): string {
  if (!/^(?:[0-9A-Fa-f]{4})+$/.test(text) && !/^(?:[0-9A-Fa-f]{2}){2,}$/.test(text)) return text;
  const octets = Buffer.from(text, "hex");
  if (octets.length >= 4 && octets.length % 2 === 0) {
    const wide = Buffer.from(octets).swap16().toString("utf16le");
    if (/^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(wide) && octets.includes(0)) return wide;
  }
  const narrow = octets.toString("latin1");
  return /^[ -~]+$/.test(narrow) && /[A-Za-z]/.test(narrow) ? narrow : text;
}

/** A string parameter; a quote inside becomes `\22`, control characters are refused. V.250 §5.4.2.2 @throws codec.text */
export function quote(text: string): string {
  const bad = text.search(/\p{Cc}/u);
  if (bad >= 0) throw codecError("codec.text", "a string parameter must not hold control characters", bad);
  return `"${text.replaceAll("\\", "\\5C").replaceAll('"', "\\22")}"`;
}

/** What a test command's answer offers: `(0-2,5),("SM","ME")` gives one list of values per parameter. */
export function parseRanges(rest: string): readonly (readonly string[])[] {
  return parseArgs(rest).map(({ text }) => {
    const inner = text.replace(/^\(/, "").replace(/\)$/, "");
    return parseArgs(inner).flatMap(({ text: item }) => {
      const range = /^(\d+)-(\d+)$/.exec(item);
      if (range === null) return [item];
      const [from, to] = [Number(range[1]), Number(range[2])];
      return to - from > 255 ? [item] : Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => String(from + i));
    });
  });
}
