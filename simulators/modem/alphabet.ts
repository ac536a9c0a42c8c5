const basic =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const extension: Readonly<Record<string, number>> = {
  "\f": 0x0a,
  "^": 0x14,
  "{": 0x28,
  "}": 0x29,
  "\\": 0x2f,
  "[": 0x3c,
  "~": 0x3d,
  "]": 0x3e,
  "|": 0x40,
  "€": 0x65,
};
const extended = new Map(Object.entries(extension).map(([character, code]) => [code, character]));

/** Septets of a text in the default alphabet, `?` for what it does not have. 3GPP TS 23.038 §6.2.1 */
export function toSeptets(text: string): number[] {
  return [...text].flatMap((character) => {
    const escaped = extension[character];
    if (escaped !== undefined) return [0x1b, escaped];
    const code = basic.indexOf(character);
    return [code < 0 ? basic.indexOf("?") : code];
  });
}

/** Text of septets. */
export function fromSeptets(septets: readonly number[]): string {
  let text = "";
  for (let at = 0; at < septets.length; at++) {
    const code = septets[at] ?? 0;
    if (code === 0x1b) {
      at += 1;
      text += extended.get(septets[at] ?? 0) ?? " ";
    } else text += basic[code] ?? "?";
  }
  return text;
}

/** Packs septets, the first in the low bits. 3GPP TS 23.038 §6.1.2.1 */
export function packSeptets(septets: readonly number[]): Uint8Array {
  const packed = new Uint8Array(Math.ceil((septets.length * 7) / 8));
  for (const [index, septet] of septets.entries()) {
    const bit = index * 7;
    const value = (septet & 0x7f) << (bit % 8);
    const at = bit >> 3;
    packed[at] = (packed[at] ?? 0) | (value & 0xff);
    if (value > 0xff) packed[at + 1] = (packed[at + 1] ?? 0) | (value >> 8);
  }
  return packed;
}

/** Unpacks `count` septets after `skipBits` bits. */
export function unpackSeptets(packed: Uint8Array, count: number, skip = 0): number[] {
  return Array.from({ length: Math.max(0, count - skip) }, (_, index) => {
    const bit = (index + skip) * 7;
    const pair = (packed[bit >> 3] ?? 0) | ((packed[(bit >> 3) + 1] ?? 0) << 8);
    return (pair >> (bit % 8)) & 0x7f;
  });
}

/** The character sets of +CSCS. 3GPP TS 27.007 §5.5 */
export const characterSets = ["GSM", "IRA", "UCS2", "HEX", "8859-1"] as const;
export type CharacterSet = (typeof characterSets)[number];

/** Text as the host sees it in the chosen set. */
export function toHostText(text: string, set: CharacterSet): string {
  if (set === "UCS2") return Buffer.from(text, "utf16le").swap16().toString("hex").toUpperCase();
  if (set === "HEX") return Buffer.from(toSeptets(text)).toString("hex").toUpperCase();
  if (set === "GSM") return Buffer.from(toSeptets(text)).toString("latin1");
  return text;
}

/** Text the host wrote in the chosen set; undefined when it is not in that set. */
export function fromHostText(text: string, set: CharacterSet): string | undefined {
  if (set === "GSM") return fromSeptets([...Buffer.from(text, "latin1")]);
  if (set !== "UCS2" && set !== "HEX") return text;
  if (!/^(?:[0-9A-Fa-f]{2})*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "hex");
  if (set === "HEX") return fromSeptets([...bytes]);
  return bytes.length % 2 === 0 ? bytes.swap16().toString("utf16le") : undefined;
}
