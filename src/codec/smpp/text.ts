import { isGatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { gsm7Septets, gsm7Text, packSeptets, unpackSeptets } from "../kit/gsm7.ts";
import { readUserDataHeader } from "../sms/user-data-header.ts";
import { latin1 } from "./fields.ts";

/** A text message as SMPP has it: a header perhaps, then one octet per character of a 7- or 8-bit alphabet. */
interface SmppText {
  readonly dataCoding: number;
  readonly octets: Uint8Array;
}

/** A text message as a TPDU has it. `length` is TP-UDL: septets, header included, where TP-DCS counts septets. */
interface TpText {
  readonly dcs: number;
  readonly octets: Uint8Array;
  readonly length: number;
}

const ucs2 = 0x08;
/** SMPP 3.4 §5.2.19 */
const eightBit: ReadonlyMap<number, string> = new Map([
  [0x01, "latin1"],
  [0x03, "latin1"],
  [0x06, "iso-8859-5"],
  [0x07, "iso-8859-8"],
]);

/** TP-DCS of the GSM alphabet with the default or no class. 3GPP TS 23.038 §4 */
function isGsm7(dcs: number): boolean {
  return dcs === 0x00 || (dcs & 0xfc) === 0x10 || (dcs & 0xfc) === 0xf0;
}

function headerOctets(octets: Uint8Array, userDataHeader: boolean): number {
  if (!userDataHeader) return 0;
  try {
    return readUserDataHeader(octets).headerLength;
  } catch (error) {
    if (isGatewayError(error)) return octets.length;
    throw error;
  }
}

/** Octets that ASCII and Latin-1 texts have none of: a text that has some is in the GSM alphabet. */
function looksLikeGsm(octets: Uint8Array): boolean {
  if (octets.some((octet) => octet >= 0x80)) return false;
  return octets.some((octet) => octet < 0x20 && octet !== 0x0a && octet !== 0x0d && octet !== 0x09);
}

/**
 * Text of an SMPP message without its header, one octet per character; undefined for octets and unknown alphabets. The
 * default alphabet (0) is regardless of the SMSC: GSM where the octets can be nothing else, ASCII or Latin-1 otherwise.
 */
export function smppText(octets: Uint8Array, dataCoding: number): string | undefined {
  if (dataCoding === ucs2) return new TextDecoder("utf-16be").decode(octets);
  const name = eightBit.get(dataCoding);
  if (name === "latin1" || (dataCoding === 0 && !looksLikeGsm(octets))) return latin1(octets);
  if (name !== undefined) return new TextDecoder(name).decode(octets);
  return isGsm7(dataCoding) ? gsm7Text([...octets].map((octet) => octet & 0x7f)) : undefined;
}

/** A text of a TPDU for SMPP: septets become octets. Undefined when TP-DCS does not count septets. */
export function smppOfTp(
  userData: Uint8Array,
  userDataHeader: boolean,
  dcs: number,
  length?: number,
): SmppText | undefined {
  if (!isGsm7(dcs)) return undefined;
  const header = headerOctets(userData, userDataHeader);
  const total = length ?? Math.floor((userData.length * 8) / 7);
  const skipped = Math.ceil((header * 8) / 7);
  const body = userData.subarray(header);
  const fill = skipped * 7 - header * 8;
  const count = Math.max(0, Math.min(total - skipped, Math.floor((body.length * 8 - fill) / 7)));
  const characters = count === 0 ? new Uint8Array(0) : Uint8Array.from(unpackSeptets(body, count, fill));
  const dataCoding = dcs === 0 ? 0 : 0xf0 | (dcs & 0x03);
  return { dataCoding, octets: concatBytes(userData.subarray(0, header), characters) };
}

/** A text of SMPP for a TPDU: the GSM alphabet where it has all characters, otherwise UCS2. Undefined for octets. */
export function tpOfSmpp(octets: Uint8Array, userDataHeader: boolean, dataCoding: number): TpText | undefined {
  const header = headerOctets(octets, userDataHeader);
  const head = octets.subarray(0, header);
  const body = octets.subarray(header);
  if (dataCoding === ucs2) return { dcs: ucs2, octets, length: octets.length };
  const text = smppText(body, dataCoding);
  if (text === undefined) return undefined;
  const septets = isGsm7(dataCoding) && body.every((octet) => octet < 0x80) ? [...body] : septetsOf(text);
  if (septets === undefined) {
    const wide = new Uint8Array(Buffer.from(text, "utf16le").swap16());
    return { dcs: ucs2, octets: concatBytes(head, wide), length: header + wide.length };
  }
  const skipped = Math.ceil((header * 8) / 7);
  const dcs = isGsm7(dataCoding) ? dataCoding : 0;
  const packed = packSeptets(septets, skipped * 7 - header * 8);
  return { dcs, octets: concatBytes(head, packed), length: skipped + septets.length };
}

function septetsOf(text: string): number[] | undefined {
  try {
    return gsm7Septets(text);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}
