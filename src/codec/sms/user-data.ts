import { codecError } from "../../base/gateway-error.ts";
import type { Reader, Writer } from "../kit/codec.ts";
import { gsm7Septets, gsm7Text, packSeptets, septetOctets, unpackSeptets } from "../kit/gsm7.ts";
import { countsSeptets, dataCoding } from "./data-coding.ts";

/** TP-UD with its length as TP-UDL counts it (septets for the GSM alphabet, octets otherwise). */
export interface UserData {
  /** TP-UDL; may be left out when building and the alphabet counts octets. */
  readonly length?: number;
  readonly octets: Uint8Array;
}

/** Reads TP-UDL and TP-UD. @throws codec.truncated */
export function readUserData(from: Reader, dcs: number): UserData {
  const length = from.u8("TP-UDL");
  return { length, octets: from.take(countsSeptets(dcs) ? septetOctets(length) : length, "TP-UD") };
}

/** Writes TP-UDL and TP-UD. @throws codec.length when TP-UDL is needed and missing, or does not fit */
export function writeUserData(to: Writer, userData: UserData, dcs: number): void {
  const septets = countsSeptets(dcs);
  const length = userData.length ?? (septets ? Math.floor((userData.octets.length * 8) / 7) : userData.octets.length);
  const octets = septets ? septetOctets(length) : length;
  if (octets !== userData.octets.length || length > 255) {
    throw codecError("codec.length", `TP-UDL ${length} does not fit ${userData.octets.length} octets`, to.length);
  }
  to.u8(length).bytes(userData.octets);
}

/**
 * The text of TP-UD, or undefined for 8-bit, compressed and reserved data. `headerOctets` = octets of a user data
 * header in front, UDHL included. 3GPP TS 23.040 §9.2.3.24
 */
export function userDataText(userData: UserData, dcs: number, headerOctets = 0): string | undefined {
  const coding = dataCoding(dcs);
  if (coding.compressed) return undefined;
  if (coding.alphabet === "ucs2") {
    return new TextDecoder("utf-16be").decode(userData.octets.subarray(headerOctets));
  }
  if (coding.alphabet !== "gsm7") return undefined;
  const total = userData.length ?? Math.floor((userData.octets.length * 8) / 7);
  const skipped = Math.ceil((headerOctets * 8) / 7);
  if (skipped > total) return "";
  const fill = skipped * 7 - headerOctets * 8;
  return gsm7Text(unpackSeptets(userData.octets.subarray(headerOctets), total - skipped, fill));
}

/** TP-UD of a text: the GSM alphabet when it has all characters, otherwise UCS2; with the TP-DCS that indicates it. */
export function textUserData(text: string): { readonly dcs: number; readonly userData: UserData } {
  const septets = gsm7OrNothing(text);
  if (septets !== undefined) {
    return { dcs: 0x00, userData: { length: septets.length, octets: packSeptets(septets) } };
  }
  const octets = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    octets[i * 2] = unit >> 8;
    octets[i * 2 + 1] = unit & 0xff;
  }
  return { dcs: 0x08, userData: { length: octets.length, octets } };
}

/** Septets of a text; undefined when the GSM alphabet lacks one of its characters. */
export function gsm7OrNothing(text: string): number[] | undefined {
  try {
    return gsm7Septets(text);
  } catch {
    return undefined;
  }
}
