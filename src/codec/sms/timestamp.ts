import { codecError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import type { Codec } from "../kit/codec.ts";

const shape = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function swap(value: number): number {
  return ((value % 10) << 4) | Math.floor(value / 10);
}

function unswap(octet: number): number {
  const tens = octet & 0x0f;
  const units = octet >> 4;
  return tens > 9 || units > 9 ? Number.NaN : tens * 10 + units;
}

const two = (value: number) => String(value).padStart(2, "0");

function inRange(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

/** Octets of an ISO 8601 time with zone (quarter hours). @throws codec.text */
function fromIso(text: string): Uint8Array {
  const found = shape.exec(text);
  if (found === null) throw codecError("codec.text", `'${text}' is not an ISO 8601 time with zone`, 0);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const zone = found[7] === "Z" ? "+00:00" : (found[7] ?? "");
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  if (minutes % 15 !== 0 || minutes / 15 > 79) {
    throw codecError("codec.text", `zone ${zone} must be a number of quarter hours up to 79`, 19);
  }
  if (!inRange(year, 1990, 2089)) throw codecError("codec.text", `year ${year} does not fit two digits`, 0);
  const sign = zone.startsWith("-") ? 0x08 : 0;
  return Uint8Array.of(
    swap(year % 100),
    swap(month),
    swap(day),
    swap(hour),
    swap(minute),
    swap(second),
    swap(minutes / 15) | sign,
  );
}

/** ISO 8601 of seven octets, or undefined where they are no date. */
function toIso(octets: Uint8Array): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = [...octets.subarray(0, 6)].map(unswap);
  const zone = octets[6] ?? 0;
  const quarters = unswap(zone & ~0x08);
  const valid =
    inRange(year, 0, 99) &&
    inRange(month, 1, 12) &&
    inRange(day, 1, 31) &&
    inRange(hour, 0, 23) &&
    inRange(minute, 0, 59) &&
    inRange(second, 0, 59) &&
    inRange(quarters, 0, 79);
  if (!valid) return undefined;
  const century = year >= 90 ? 1900 : 2000;
  const offset = `${zone & 0x08 ? "-" : "+"}${two(Math.floor(quarters / 4))}:${two((quarters % 4) * 15)}`;
  return `${century + year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${offset}`;
}

/**
 * TP-SCTS, TP-DT and absolute TP-VP: ISO 8601 text with zone. Octets that are no date (networks send them) stay 14
 * hexadecimal digits, so nothing is lost. 3GPP TS 23.040 §9.2.3.11
 */
export const Timestamp: Codec<string> = {
  read: (from) => {
    const octets = from.take(7, "time stamp");
    return toIso(octets) ?? toHex(octets);
  },
  write: (to, value) => void to.bytes(/^[0-9A-Fa-f]{14}$/.test(value) ? fromHex(value) : fromIso(value)),
};

/** A point in time as the octets of a time stamp would show it, in UTC. */
export function timestampOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
}
