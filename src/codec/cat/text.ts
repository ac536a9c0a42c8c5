import { codecError } from "../../base/gateway-error.ts";
import type { Codec } from "../kit/codec.ts";

/** A text with its data coding scheme: `00` packed 7-bit, `04`/`F4` 8-bit, `08` UCS2. ETSI TS 102 223 §8.15 */
export interface TextString {
  readonly dcs: number;
  readonly octets: Uint8Array;
}

/** A text string; a null text has neither coding scheme nor octets and reads as undefined. */
export const TextString: Codec<TextString | undefined> = {
  read: (from) => (from.ended ? undefined : { dcs: from.u8("data coding scheme"), octets: from.rest() }),
  write: (to, value) => {
    if (value !== undefined) to.u8(value.dcs).bytes(value.octets);
  },
};

// The default alphabet of 3GPP TS 23.038 §6.2.1; the extension table is reached through 1B.
const gsmAlphabet =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const gsmExtension: Readonly<Record<number, string>> = {
  10: "\f",
  20: "^",
  40: "{",
  41: "}",
  47: "\\",
  60: "[",
  61: "~",
  62: "]",
  64: "|",
  101: "€",
};

/** Septets (one per octet) of the default alphabet as text. */
export function gsmText(septets: Iterable<number>): string {
  let text = "";
  let escaped = false;
  for (const septet of septets) {
    if (escaped) text += gsmExtension[septet & 0x7f] ?? " ";
    else if (septet !== 0x1b) text += gsmAlphabet[septet & 0x7f] ?? "";
    escaped = !escaped && septet === 0x1b;
  }
  return text;
}

function unpack(octets: Uint8Array): number[] {
  const septets: number[] = [];
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held |= octet << bits;
    bits += 8;
    while (bits >= 7) {
      septets.push(held & 0x7f);
      held >>= 7;
      bits -= 7;
    }
  }
  // Seven octets carry eight septets; a final 00 septet in them is filling, not '@'.
  if (octets.length % 7 === 0 && septets.at(-1) === 0) septets.pop();
  return septets;
}

function ucs2(octets: Uint8Array): string {
  let text = "";
  for (let i = 0; i + 1 < octets.length; i += 2) {
    text += String.fromCharCode(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  }
  return text;
}

/** What a text string says. */
export function textOf(text: TextString): string {
  const coding = (text.dcs & 0xf0) === 0xf0 ? (text.dcs & 0x04 ? 0x04 : 0x00) : text.dcs & 0x0c;
  if (coding === 0x08) return ucs2(text.octets);
  return gsmText(coding === 0x04 ? text.octets : unpack(text.octets));
}

function alphaRange(octets: Uint8Array, headLength: number, base: number): string {
  let text = "";
  for (const octet of octets.subarray(headLength, headLength + (octets[1] ?? 0))) {
    text += octet & 0x80 ? String.fromCharCode(base + (octet & 0x7f)) : gsmText([octet]);
  }
  return text;
}

/** An alpha identifier (or item text): default alphabet unpacked, or one of the UCS2 forms 80, 81, 82. ETSI TS 102 221 annex A */
export function alphaText(octets: Uint8Array): string {
  switch (octets[0]) {
    case undefined:
      return "";
    case 0x80:
      return ucs2(octets.subarray(1));
    case 0x81:
      return alphaRange(octets, 3, (octets[2] ?? 0) << 7);
    case 0x82:
      return alphaRange(octets, 4, ((octets[2] ?? 0) << 8) | (octets[3] ?? 0));
    default:
      return gsmText(octets.filter((octet) => octet !== 0xff));
  }
}

/** Text as an 8-bit coded text string (ASCII and Latin letters of the default alphabet). @throws codec.text */
export function textString(text: string): TextString {
  const octets = [...text].map((char, at) => {
    const septet = gsmAlphabet.indexOf(char);
    if (septet < 0 || septet === 0x1b) {
      throw codecError("codec.text", `'${char}' is not in the default alphabet`, at);
    }
    return septet;
  });
  return { dcs: 0x04, octets: Uint8Array.from(octets) };
}
