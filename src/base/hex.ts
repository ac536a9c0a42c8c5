import { codecError } from "./gateway-error.ts";

/** Upper-case hexadecimal without separators. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex").toUpperCase();
}

/**
 * Hexadecimal text to octets. White space, `:` and a leading `0x` are skipped.
 * @throws codec.text with the offset of the offending character
 */
export function fromHex(text: string): Uint8Array {
  // Node stops at the first character that is not a digit: if all octets are decoded, there is nothing to skip.
  const plain = Buffer.from(text, "hex");
  if (plain.length * 2 === text.length) return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
  const start = /^\s*(0[xX])?/.exec(text)?.[0].length ?? 0;
  const bad = text.slice(start).search(/[^0-9a-fA-F\s:]/);
  if (bad >= 0) {
    const at = start + bad;
    throw codecError("codec.text", `'${text[at]}' is not a hexadecimal digit`, at);
  }
  const compact = text.slice(start).replace(/[\s:]+/g, "");
  if (compact.length % 2 !== 0) {
    throw codecError("codec.text", "odd number of hexadecimal digits", text.replace(/[\s:]+$/, "").length);
  }
  const bytes = Buffer.from(compact, "hex");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Octet-wise equality (not constant time: never for secrets). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** One array of all the parts. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
