import type { Codec } from "../kit/codec.ts";
import { gsm7Septets, gsm7Text, unpackSeptets } from "../kit/gsm7.ts";

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

/** Characters of the default alphabet, one septet per octet. */
function unpackedText(octets: Iterable<number>): string {
  return gsm7Text([...octets].map((octet) => octet & 0x7f));
}

function packedText(octets: Uint8Array): string {
  const septets = unpackSeptets(octets, Math.floor((octets.length * 8) / 7));
  // Seven octets carry eight septets; a final 00 septet in them is filling, not '@'.
  if (octets.length % 7 === 0 && septets.at(-1) === 0) septets.pop();
  return gsm7Text(septets);
}

function ucs2(octets: Uint8Array): string {
  let text = "";
  for (let i = 0; i + 1 < octets.length; i += 2) {
    text += String.fromCharCode(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  }
  return text;
}

/** Meaning of a text string. */
export function textOf(text: TextString): string {
  const coding = (text.dcs & 0xf0) === 0xf0 ? (text.dcs & 0x04 ? 0x04 : 0x00) : text.dcs & 0x0c;
  if (coding === 0x08) return ucs2(text.octets);
  return coding === 0x04 ? unpackedText(text.octets) : packedText(text.octets);
}

function alphaRange(octets: Uint8Array, headLength: number, base: number): string {
  let text = "";
  for (const octet of octets.subarray(headLength, headLength + (octets[1] ?? 0))) {
    text += octet & 0x80 ? String.fromCharCode(base + (octet & 0x7f)) : unpackedText([octet]);
  }
  return text;
}

/**
 * An alpha identifier (or item text): default alphabet unpacked, or one of the UCS2 forms 80, 81, 82.
 * ETSI TS 102 221 annex A
 */
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
      return unpackedText(octets.filter((octet) => octet !== 0xff));
  }
}

/** Text as an 8-bit coded text string. @throws codec.text for a character outside the default alphabet */
export function textString(text: string): TextString {
  return { dcs: 0x04, octets: Uint8Array.from(gsm7Septets(text)) };
}
