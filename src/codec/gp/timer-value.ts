import { codecError } from "../../base/gateway-error.ts";
import { readTag } from "../kit/ber.ts";
import type { Codec } from "../kit/codec.ts";

const maxSeconds = 24 * 3600 - 1;

/**
 * Timer Value TLV as seconds, 0 to 86399: tag `25` (or `A5` with the comprehension flag), then hours, minutes and
 * seconds as swapped BCD. Some servers write plain octets; those are read when swapped digits make no sense, and never
 * written. TS 102 223 §8.38
 */
export const TimerValue: Codec<number> = {
  read: (from) => {
    const offset = from.offset;
    const tag = readTag(from);
    if ((tag & 0x7f) !== 0x25) {
      throw codecError("codec.tag", "must be a timer value (tag 25)", offset, { field: "timer", tag });
    }
    const length = from.u8("timer length");
    if (length !== 3)
      throw codecError("codec.length", `timer value of ${length} octets`, offset + 1, { field: "timer" });
    const octets = [...from.take(3, "timer value")];
    const seconds = asSeconds(octets.map(swapped)) ?? asSeconds(octets);
    if (seconds === undefined) {
      throw codecError("codec.value", "hours, minutes or seconds out of range", offset + 2, { field: "timer" });
    }
    return seconds;
  },
  write: (to, seconds) => {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > maxSeconds) {
      throw codecError("codec.value", `a timer counts 0 to ${maxSeconds} seconds, not ${seconds}`, to.length, {
        field: "timer",
      });
    }
    to.u8(0x25).u8(3);
    for (const part of [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]) {
      to.u8(((part % 10) << 4) | Math.floor(part / 10));
    }
  },
};

function swapped(octet: number): number | undefined {
  const tens = octet & 0x0f;
  const units = octet >> 4;
  return tens > 9 || units > 9 ? undefined : tens * 10 + units;
}

function asSeconds([hours, minutes, seconds]: readonly (number | undefined)[]): number | undefined {
  if (hours === undefined || minutes === undefined || seconds === undefined) return undefined;
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return hours * 3600 + minutes * 60 + seconds;
}
