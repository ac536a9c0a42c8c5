import type { Brand } from "../../base/brand.ts";
import { codecError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import { fromSwappedBcd, swappedBcd } from "../kit/bcd.ts";

/**
 * ICCID: 10 to 20 digits without filler, made by its parsers. Some operators number with hexadecimal digits A to E
 * behind the 89 of telecommunication (China Mobile: 898600B5…); they are written as capitals. ITU-T E.118, ETSI TS 102 221 §13.2
 */
export type Iccid = Brand<string, "Iccid">;

/** IMSI: up to 15 digits, made by its parsers. 3GPP TS 23.003 §2.2 */
export type Imsi = Brand<string, "Imsi">;

function isIccid(text: string): text is Iccid {
  return /^(\d{10,20}|89[0-9A-E]{8,18})$/.test(text);
}

function isImsi(text: string): text is Imsi {
  return /^\d{5,15}$/.test(text);
}

/**
 * Text of an ICCID in any case; blanks, dashes and fillers F at its end are dropped. The message never quotes the text,
 * which may be a key in the wrong column. @throws codec.text
 */
export function parseIccid(text: string): Iccid {
  const digits = withoutSeparators(text).toUpperCase().replace(/F+$/, "");
  if (isIccid(digits)) return digits;
  const bad = digits.search(digits.startsWith("89") ? /[^0-9A-E]/ : /\D/);
  if (bad >= 0) throw codecError("codec.text", `ICCID: character ${bad + 1} is not a digit`, bad, { field: "iccid" });
  const message = `ICCID: must have 10 to 20 digits, not ${digits.length}`;
  throw codecError("codec.text", message, digits.length, { field: "iccid" });
}

/** The ICCID of a text, as {@link parseIccid} reads it; undefined if the text is not an ICCID. */
export function readIccid(text: string): Iccid | undefined {
  const digits = withoutSeparators(text).toUpperCase().replace(/F+$/, "");
  return isIccid(digits) ? digits : undefined;
}

/** The same ICCID as {@link parseIccid} writes it; a text that is not an ICCID stays as it is. */
export function sameIccid(text: string): string {
  return readIccid(text) ?? text;
}

function withoutSeparators(text: string): string {
  return text.replace(/[\s-]+/g, "");
}

/** Content of EF ICCID: 10 octets, semi-octets swapped, fillers F at the end. @throws codec.length, codec.value */
export function iccidFromOctets(octets: Uint8Array, offset = 0): Iccid {
  if (octets.length !== 10) {
    throw codecError("codec.length", `ICCID: must have 10 octets, not ${octets.length}`, offset, { field: "iccid" });
  }
  const digits = toHex(octets)
    .replace(/(.)(.)/g, "$2$1")
    .replace(/F+$/, "");
  if (!isIccid(digits)) throw codecError("codec.value", "the octets are not an ICCID", offset, { field: "iccid" });
  return digits;
}

/** Content of EF ICCID for an ICCID. ETSI TS 102 221 §13.2 */
export function iccidOctets(iccid: Iccid): Uint8Array {
  return fromHex(iccid.padEnd(20, "F").replace(/(.)(.)/g, "$2$1"));
}

/**
 * Whether the last digit is the Luhn check digit of the others; undefined where hexadecimal digits leave the algorithm
 * without a meaning. ITU-T E.118 §3.1.3
 */
export function iccidCheckDigitOk(iccid: Iccid): boolean | undefined {
  if (!/^\d+$/.test(iccid)) return undefined;
  let sum = 0;
  for (let i = 0; i < iccid.length; i++) {
    const digit = iccid.charCodeAt(iccid.length - 1 - i) - 48;
    const doubled = i % 2 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Text of an IMSI; blanks and dashes are dropped. The message never quotes the text. @throws codec.text */
export function parseImsi(text: string): Imsi {
  const digits = withoutSeparators(text);
  if (isImsi(digits)) return digits;
  const bad = digits.search(/\D/);
  if (bad >= 0) throw codecError("codec.text", `IMSI: character ${bad + 1} is not a digit`, bad, { field: "imsi" });
  throw codecError("codec.text", `IMSI: must have 5 to 15 digits, not ${digits.length}`, digits.length, {
    field: "imsi",
  });
}

/**
 * Content of EF IMSI: length, then parity nibble and swapped digits. Undefined when no IMSI is provisioned (all FF).
 * @throws codec.length, codec.value. 3GPP TS 31.102 §4.2.2
 */
export function imsiFromOctets(octets: Uint8Array, offset = 0): Imsi | undefined {
  const length = octets[0];
  if (length === undefined) throw codecError("codec.truncated", "IMSI is empty", offset, { field: "imsi" });
  if (octets.every((octet) => octet === 0xff)) return undefined;
  if (length < 1 || length > 8 || octets.length < length + 1) {
    throw codecError("codec.length", `IMSI of ${length} octets`, offset, { field: "imsi" });
  }
  const text = fromSwappedBcd(octets.subarray(1, length + 1), undefined, offset + 1).slice(1);
  if (!isImsi(text)) throw codecError("codec.value", "IMSI holds more than digits", offset + 1, { field: "imsi" });
  return text;
}

/** Content of EF IMSI (9 octets) for an IMSI. 3GPP TS 31.102 §4.2.2 */
export function imsiOctets(imsi: Imsi): Uint8Array {
  const octets = new Uint8Array(9).fill(0xff);
  const coded = swappedBcd(`${imsi.length % 2 ? 9 : 1}${imsi}`);
  octets[0] = coded.length;
  octets.set(coded, 1);
  return octets;
}
