import { codecError } from "../../base/gateway-error.ts";

/** GSM 7-bit default alphabet; the escape to the extension table is U+001B. 3GPP TS 23.038 §6.2.1 */
const basic =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/** Extension table, reached by the escape. 3GPP TS 23.038 §6.2.1.1 */
const extension = new Map([
  [0x0a, "\f"],
  [0x14, "^"],
  [0x28, "{"],
  [0x29, "}"],
  [0x2f, "\\"],
  [0x3c, "["],
  [0x3d, "~"],
  [0x3e, "]"],
  [0x40, "|"],
  [0x65, "€"],
]);

const septetOf = new Map<string, readonly number[]>();
for (let i = 0; i < basic.length; i++) if (i !== 0x1b) septetOf.set(basic.charAt(i), [i]);
for (const [code, character] of extension) septetOf.set(character, [0x1b, code]);

/** Octets that hold `septets` septets and `fillBits` bits before them. */
export function septetOctets(septets: number, fillBits = 0): number {
  return Math.ceil((septets * 7 + fillBits) / 8);
}

/** Packs septets, least significant bit first, after `fillBits` zero bits. 3GPP TS 23.038 §6.1.2.1 */
export function packSeptets(septets: readonly number[], fillBits = 0): Uint8Array {
  const octets = new Uint8Array(septetOctets(septets.length, fillBits));
  let bit = fillBits;
  for (const septet of septets) {
    const at = bit >> 3;
    const wide = (septet & 0x7f) << (bit & 7);
    octets[at] = (octets[at] ?? 0) | (wide & 0xff);
    if (wide > 0xff) octets[at + 1] = wide >> 8;
    bit += 7;
  }
  return octets;
}

/** Unpacks `count` septets that start after `fillBits` bits. @throws codec.truncated */
export function unpackSeptets(octets: Uint8Array, count: number, fillBits = 0, offset = 0): number[] {
  if (septetOctets(count, fillBits) > octets.length) {
    throw codecError("codec.truncated", `${count} septets announced, ${octets.length} octets present`, offset);
  }
  const septets: number[] = [];
  for (let i = 0, bit = fillBits; i < count; i++, bit += 7) {
    const at = bit >> 3;
    septets.push((((octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8)) >> (bit & 7)) & 0x7f);
  }
  return septets;
}

/** Text of septets. An escape before an unassigned code reads as the basic character, a lone one as a space. */
export function gsm7Text(septets: readonly number[]): string {
  let text = "";
  for (let i = 0; i < septets.length; i++) {
    const septet = septets[i] ?? 0;
    if (septet !== 0x1b) {
      text += basic.charAt(septet);
      continue;
    }
    i += 1;
    const escaped = septets[i];
    text += escaped === undefined || escaped === 0x1b ? " " : (extension.get(escaped) ?? basic.charAt(escaped));
  }
  return text;
}

/** Septets of a text. @throws codec.text naming the first character the alphabet lacks */
export function gsm7Septets(text: string): number[] {
  const septets: number[] = [];
  let at = 0;
  for (const character of text) {
    const codes = septetOf.get(character);
    if (codes === undefined) throw codecError("codec.text", `'${character}' is not in the GSM alphabet`, at);
    septets.push(...codes);
    at += character.length;
  }
  return septets;
}
