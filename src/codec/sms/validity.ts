import { codecError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import type { Reader, Writer } from "../kit/codec.ts";
import { Timestamp } from "./timestamp.ts";

/** TP-VP in its three formats. 3GPP TS 23.040 §9.2.3.12 */
export type Validity =
  | { readonly format: "relative"; readonly value: number }
  | { readonly format: "absolute"; readonly time: string }
  | { readonly format: "enhanced"; readonly octets: Uint8Array };

/** TP-VPF: the number of each format; 0 = no TP-VP. 3GPP TS 23.040 §9.2.3.3 */
const validityFormats = ["none", "enhanced", "relative", "absolute"] as const;

/** Minutes a relative TP-VP octet stands for. 3GPP TS 23.040 §9.2.3.12.1 */
export function relativeMinutes(value: number): number {
  if (value <= 143) return (value + 1) * 5;
  if (value <= 167) return 12 * 60 + (value - 143) * 30;
  if (value <= 196) return (value - 166) * 24 * 60;
  return (value - 192) * 7 * 24 * 60;
}

/** The smallest relative TP-VP octet of at least this many minutes; the longest one for more than 63 weeks. */
export function relativeValidity(minutes: number): number {
  let value = 0;
  while (value < 255 && relativeMinutes(value) < minutes) value += 1;
  return value;
}

/** Minutes of an enhanced TP-VP whose indicator counts seconds, minutes-octet or hours; undefined for other forms. */
export function enhancedMinutes(octets: Uint8Array): number | undefined {
  const form = (octets[0] ?? 0) & 0x07;
  if (form === 1) return relativeMinutes(octets[1] ?? 0);
  if (form === 2) return (octets[1] ?? 0) / 60;
  if (form !== 3) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = [1, 2, 3].map((at) => {
    const octet = octets[at] ?? 0;
    return (octet & 0x0f) * 10 + (octet >> 4);
  });
  return hours * 60 + minutes + seconds / 60;
}

/** Reads TP-VP of the format TP-VPF names. */
export function readValidity(from: Reader, vpf: number): Validity | undefined {
  if (vpf === 2) return { format: "relative", value: from.u8("TP-VP") };
  if (vpf === 3) return { format: "absolute", time: Timestamp.read(from) };
  if (vpf === 1) return { format: "enhanced", octets: from.take(7, "TP-VP") };
  return undefined;
}

/** TP-VPF of a TP-VP. */
export function validityFormat(validity: Validity | undefined): number {
  return validity === undefined ? 0 : validityFormats.indexOf(validity.format);
}

/** Writes TP-VP. */
export function writeValidity(to: Writer, validity: Validity | undefined): void {
  if (validity === undefined) return;
  if (validity.format === "absolute") {
    Timestamp.write(to, validity.time);
    return;
  }
  if (validity.format === "relative") {
    if (!Number.isInteger(validity.value) || validity.value < 0 || validity.value > 255) {
      throw codecError("codec.value", `TP-VP ${validity.value} is not an octet`, to.length);
    }
    to.u8(validity.value);
    return;
  }
  if (validity.octets.length !== 7) throw codecError("codec.length", "enhanced TP-VP has 7 octets", to.length);
  to.bytes(validity.octets);
}

/** The value as answers show it: number, ISO 8601 text, hexadecimal octets, or null. */
export function validityValue(validity: Validity | undefined): number | string | null {
  if (validity === undefined) return null;
  if (validity.format === "relative") return validity.value;
  return validity.format === "absolute" ? validity.time : toHex(validity.octets);
}

/** Back from {@link validityValue}. @throws codec.value when the format number does not fit the value */
export function validityOf(vpf: number, value: number | string | null | undefined): Validity | undefined {
  if (vpf === 0) return undefined;
  if (vpf === 2 && typeof value === "number") return { format: "relative", value };
  if (vpf === 3 && typeof value === "string") return { format: "absolute", time: value };
  if (vpf === 1 && typeof value === "string") return { format: "enhanced", octets: fromHex(value) };
  throw codecError("codec.value", `TP-VP does not fit TP-VPF ${vpf}`, 0, { field: "tp_vp" });
}
