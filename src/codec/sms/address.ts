import { codecError } from "../../base/gateway-error.ts";
import { fromSwappedBcd, swappedBcd } from "../kit/bcd.ts";
import type { Codec, Reader, Writer } from "../kit/codec.ts";
import { gsm7Septets, gsm7Text, packSeptets, unpackSeptets } from "../kit/gsm7.ts";

/** An address of a short message: type of address octet (`1 TON NPI`) and digits, or text when alphanumeric. */
export interface SmsAddress {
  readonly toa: number;
  /** Digits `0-9*#abc` without `+`; characters of the GSM alphabet when the type of number is alphanumeric. */
  readonly number: string;
}

/** True when the type of address states alphanumeric (TON 101). 3GPP TS 23.040 §9.1.2.5 */
function isAlphanumeric(toa: number): boolean {
  return (toa & 0x70) === 0x50;
}

/**
 * An address in the usual notation: `+` or nothing before digits; any other text makes it alphanumeric.
 * @throws codec.text for characters outside the GSM alphabet
 */
export function parseAddress(text: string): SmsAddress {
  if (/^\+[0-9]+$/.test(text)) return { toa: 0x91, number: text.slice(1) };
  if (/^[0-9*#abcABC]+$/.test(text)) return { toa: 0x81, number: text.toLowerCase() };
  return { toa: 0xd0, number: text };
}

/** The address in the usual notation: `+` before international digits. */
export function showAddress(address: SmsAddress): string {
  return (address.toa & 0x70) === 0x10 ? `+${address.number}` : address.number;
}

function readDigits(bytes: Uint8Array, toa: number, semiOctets: number, offset: number): string {
  if (isAlphanumeric(toa)) {
    return gsm7Text(unpackSeptets(bytes, Math.floor((semiOctets * 4) / 7), 0, offset));
  }
  if (semiOctets % 2 === 1 && (bytes[bytes.length - 1] ?? 0) >> 4 !== 0x0f) {
    throw codecError("codec.value", "address: an odd number of digits ends without the filler F", offset);
  }
  return fromSwappedBcd(bytes, semiOctets, offset);
}

/** TP-OA, TP-DA, TP-RA: the length counts semi-octets. 3GPP TS 23.040 §9.1.2.5 */
export const TpAddress: Codec<SmsAddress> = {
  read: (from: Reader) => {
    const offset = from.offset;
    const semiOctets = from.u8("address length");
    if (semiOctets > 20) throw codecError("codec.length", `address: ${semiOctets} digits, at most 20`, offset);
    const toa = from.u8("type of address");
    if ((toa & 0x80) === 0) throw codecError("codec.value", "type of address: b8 must be 1", offset + 1);
    const start = from.offset;
    const bytes = from.take(Math.ceil(semiOctets / 2), "address digits");
    return { toa, number: readDigits(bytes, toa, semiOctets, start) };
  },
  write: (to: Writer, value: SmsAddress) => {
    if (isAlphanumeric(value.toa)) {
      const septets = gsm7Septets(value.number);
      if (septets.length > 11) throw codecError("codec.length", "address: at most 11 characters", to.length);
      to.u8(Math.ceil((septets.length * 7) / 4))
        .u8(value.toa)
        .bytes(packSeptets(septets));
      return;
    }
    if (value.number.length > 20) throw codecError("codec.length", "address: at most 20 digits", to.length);
    to.u8(value.number.length).u8(value.toa).bytes(swappedBcd(value.number));
  },
};

/**
 * Address of RP fields, of CAT address objects and of a modem's service centre address: no count of its own, the octets
 * around it specify how long it is. 3GPP TS 24.011 §8.2.5.1, ETSI TS 102 223 §8.1
 */
export function bcdAddressBytes(address: SmsAddress): Uint8Array {
  const digits = swappedBcd(address.number);
  const bytes = new Uint8Array(digits.length + 1);
  bytes[0] = address.toa;
  bytes.set(digits, 1);
  return bytes;
}

/** Reads what {@link bcdAddressBytes} writes. @throws codec.truncated for no octet at all */
export function readBcdAddress(bytes: Uint8Array, offset = 0): SmsAddress {
  const toa = bytes[0];
  if (toa === undefined) throw codecError("codec.truncated", "address: no type octet", offset);
  return { toa, number: fromSwappedBcd(bytes.subarray(1), undefined, offset + 1) };
}
