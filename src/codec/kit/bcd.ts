import { codecError } from "../../base/gateway-error.ts";

const digits = "0123456789*#abc";

/** Digits to semi-octets with the nibbles swapped, an odd count filled with F. TS 23.040 §9.1.2.3 */
export function swappedBcd(text: string, offset = 0): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / 2));
  for (let i = 0; i < text.length; i++) {
    const nibble = digits.indexOf((text[i] ?? "").toLowerCase());
    if (nibble < 0) throw codecError("codec.text", `'${text[i]}' is not a digit`, offset + i);
    bytes[i >> 1] = (bytes[i >> 1] ?? 0) | (i % 2 ? nibble << 4 : nibble);
  }
  if (text.length % 2) bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) | 0xf0;
  return bytes;
}

/** Swapped semi-octets to digits, `count` of them; without a count, up to the filler F. */
export function fromSwappedBcd(bytes: Uint8Array, count?: number, offset = 0): string {
  let text = "";
  const limit = count ?? bytes.length * 2;
  for (let i = 0; i < limit; i++) {
    const octet = bytes[i >> 1];
    if (octet === undefined) throw codecError("codec.truncated", "digits are missing", offset + (i >> 1));
    const nibble = i % 2 ? octet >> 4 : octet & 0x0f;
    if (nibble === 0x0f) {
      if (count === undefined) return text;
      throw codecError("codec.value", "filler inside the digits", offset + (i >> 1));
    }
    text += digits[nibble];
  }
  return text;
}

/** Digits as plain BCD, most significant nibble first; odd counts get a trailing F. EID, dates. */
export function plainBcd(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / 2)).fill(0);
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) throw codecError("codec.text", `'${text[i]}' is not a digit`, i);
    bytes[i >> 1] = (bytes[i >> 1] ?? 0) | (i % 2 ? digit : digit << 4);
  }
  if (text.length % 2) bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) | 0x0f;
  return bytes;
}
