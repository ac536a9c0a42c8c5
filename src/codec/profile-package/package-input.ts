import { codecError } from "../../base/gateway-error.ts";
import { fromHex } from "../../base/hex.ts";
import { isValueNotation, valueNotationOctets } from "./value-notation.ts";

/** Octets from which a file is text: white space and printable ASCII, or UTF-8. */
function textOf(file: Uint8Array): string | undefined {
  const [first = 0, second = 0] = file;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return new TextDecoder(first === 0xff ? "utf-16le" : "utf-16be").decode(file);
  }
  if (file.some((octet) => octet < 0x20 && octet !== 0x09 && octet !== 0x0a && octet !== 0x0c && octet !== 0x0d)) {
    return undefined;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(file);
  } catch {
    return undefined;
  }
}

/**
 * The octets of a profile package in a file, whose form is recognised by its content: DER as it is, hexadecimal text
 * (white space, colons, comments behind `#`, `//` or `--`, a hex dump with addresses), Base64, PEM, ASN.1 value notation.
 * @throws codec.text at the character that belongs to none of them; its text is not quoted, since it may be a key
 */
export function packageOctets(file: Uint8Array): Uint8Array {
  const text = textOf(file);
  if (text === undefined || text.trim() === "")
    return file.length === 0 || text === undefined ? file : new Uint8Array();
  const armored = /-----BEGIN [^\n-]*-----([\s\S]*)/.exec(text);
  if (armored !== null) return fromArmor(armored[1] ?? "", armored.index);
  if (isValueNotation(text)) return valueNotationOctets(text);
  return fromDump(text) ?? fromHexText(text) ?? fromBase64(text, 0);
}

/** Base64 between the lines of PEM, without its header fields. RFC 7468 */
function fromArmor(rest: string, offset: number): Uint8Array {
  const end = rest.indexOf("-----END");
  if (end < 0) throw codecError("codec.text", "the PEM text has no END line", offset);
  const body = rest.slice(0, end).replace(/^[\w-]+:.*$/gm, "");
  return fromHexText(body) ?? fromBase64(body, offset);
}

/** A line of `hexdump -C`: an address, octets, and between bars what they print as. */
const barredLine = /^([0-9a-f]{4,8}) +((?:[0-9a-f]{2} {1,2})*[0-9a-f]{2}) *\|/i;

/** A line of `xxd`: an address, octets in groups, and behind two blanks what they print as. */
const plainLine = /^([0-9a-f]{4,8})(?:: ?| {2,})((?:[0-9a-f]{2,4} )*[0-9a-f]{2,4})(?: {2,}.*| ?)$/i;

function fromDump(text: string): Uint8Array | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [index, line] of lines.entries()) {
    const found = barredLine.exec(line) ?? plainLine.exec(line);
    if (found === null || Number.parseInt(found[1] ?? "", 16) !== at) {
      // hexdump ends with the address behind the last octet.
      const isEnd =
        index > 0 && index === lines.length - 1 && /^[0-9a-f]+$/i.test(line) && Number.parseInt(line, 16) === at;
      if (isEnd) continue;
      return undefined;
    }
    const digits = (found[2] ?? "").replace(/\s+/g, "");
    if (digits.length % 2 !== 0 || digits.length > 64) return undefined;
    parts.push(fromHex(digits));
    at += digits.length / 2;
  }
  return parts.length === 0 ? undefined : Uint8Array.from(Buffer.concat(parts));
}

/** Hexadecimal digits with comments and separators between them; undefined where there is anything else. */
function fromHexText(text: string): Uint8Array | undefined {
  const bare = text.replace(/(#|\/\/|--|;).*$/gm, "").replace(/'H\b|\b0x|[\s:,'"]/gi, "");
  if (bare === "" || !/^[0-9a-f]+$/i.test(bare)) return undefined;
  if (bare.length % 2 !== 0) {
    throw codecError("codec.text", "odd number of hexadecimal digits", text.trimEnd().length);
  }
  return fromHex(bare);
}

function fromBase64(text: string, offset: number): Uint8Array {
  const bad = text.search(/[^A-Za-z0-9+/=\s]/);
  if (bad >= 0) {
    throw codecError("codec.text", "the text is neither hexadecimal nor Base64", offset + bad);
  }
  return Uint8Array.from(Buffer.from(text, "base64"));
}
