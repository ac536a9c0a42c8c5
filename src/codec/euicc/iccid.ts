import type { Brand } from "../../base/brand.ts";
import { codecError } from "../../base/gateway-error.ts";
import { fromSwappedBcd, swappedBcd } from "../kit/bcd.ts";

/** ICCID: 10 to 20 digits without filler. ITU-T E.118, made by its parsers. */
export type Iccid = Brand<string, "Iccid">;

/** IMSI: up to 15 digits, made by its parsers. 3GPP TS 23.003 §2.2 */
export type Imsi = Brand<string, "Imsi">;

function isIccid(text: string): text is Iccid {
  return /^\d{10,20}$/.test(text);
}

function isImsi(text: string): text is Imsi {
  return /^\d{5,15}$/.test(text);
}

/** Text of an ICCID; blanks, dashes and trailing fillers F are dropped. @throws codec.text */
export function parseIccid(text: string): Iccid {
  const digits = text.replace(/[\s-]+/g, "").replace(/[fF]+$/, "");
  if (!isIccid(digits)) throw codecError("codec.text", `'${text}' is no ICCID`, 0, { field: "iccid" });
  return digits;
}

/** Content of EF ICCID: 10 octets of swapped BCD. @throws codec.length, codec.value */
export function iccidFromOctets(octets: Uint8Array, offset = 0): Iccid {
  if (octets.length !== 10) {
    throw codecError("codec.length", `ICCID of ${octets.length} octets`, offset, { field: "iccid" });
  }
  const digits = fromSwappedBcd(octets, undefined, offset);
  if (!isIccid(digits)) throw codecError("codec.value", "ICCID holds more than digits", offset, { field: "iccid" });
  return digits;
}

/** Content of EF ICCID for an ICCID. ETSI TS 102 221 §13.2 */
export function iccidOctets(iccid: Iccid): Uint8Array {
  const octets = new Uint8Array(10).fill(0xff);
  octets.set(swappedBcd(iccid));
  return octets;
}

/** Whether the last digit is the Luhn check digit of the others. ITU-T E.118 §3.1.3 */
export function iccidCheckDigitOk(iccid: Iccid): boolean {
  let sum = 0;
  for (let i = 0; i < iccid.length; i++) {
    const digit = iccid.charCodeAt(iccid.length - 1 - i) - 48;
    const doubled = i % 2 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Text of an IMSI. @throws codec.text */
export function parseImsi(text: string): Imsi {
  const digits = text.replace(/[\s-]+/g, "");
  if (!isImsi(digits)) throw codecError("codec.text", `'${text}' is no IMSI`, 0, { field: "imsi" });
  return digits;
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
