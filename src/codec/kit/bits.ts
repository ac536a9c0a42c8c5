import { codecError } from "../../base/gateway-error.ts";
import type { Codec } from "./codec.ts";

/** A field inside one octet; bits are numbered b8 (most significant) to b1 as specifications print them. */
interface BitField<T> {
  readonly mask: number;
  get(octet: number, offset: number): T;
  set(value: T): number;
}

/** One bit. */
export function flag(bit: number): BitField<boolean> {
  const mask = 1 << (bit - 1);
  return { mask, get: (octet) => (octet & mask) !== 0, set: (value) => (value ? mask : 0) };
}

/** Bits `high`..`low` as a number. */
function number(high: number, low: number): BitField<number> {
  const mask = ((1 << (high - low + 1)) - 1) << (low - 1);
  return {
    mask,
    get: (octet) => (octet & mask) >> (low - 1),
    set: (value) => (value << (low - 1)) & mask,
  };
}

/** Bits `high`..`low` as one of the names; undefined entries are reserved and refused. */
export function choice<const N extends readonly (string | undefined)[]>(
  high: number,
  low: number,
  names: N,
): BitField<Exclude<N[number], undefined>> {
  type Name = Exclude<N[number], undefined>;
  const raw = number(high, low);
  return {
    mask: raw.mask,
    get: (octet, offset) => {
      const name = names[raw.get(octet, offset)];
      if (name === undefined) {
        throw codecError("codec.value", `reserved value ${raw.get(octet, offset)} in b${high}-b${low}`, offset);
      }
      return name as Name;
    },
    set: (value) => raw.set(names.indexOf(value)),
  };
}

type BitFields = Readonly<Record<string, BitField<any>>>;
type BitValue<F extends BitFields> = {
  readonly [K in keyof F]: F[K] extends BitField<infer T> ? T : never;
};

/** One octet made of bit fields. Bits that no field names must be zero, and are written as zero. */
export function bits<F extends BitFields>(fields: F): Codec<BitValue<F>> {
  const entries = Object.entries(fields);
  const known = entries.reduce((mask, [, field]) => mask | field.mask, 0);
  return {
    read: (from) => {
      const offset = from.offset;
      const octet = from.u8();
      if (octet & ~known) throw codecError("codec.value", "reserved bits are set", offset, { octet });
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = field.get(octet, offset);
      return value as BitValue<F>;
    },
    write: (to, value) => {
      let octet = 0;
      for (const [name, field] of entries) octet |= field.set(value[name]);
      to.u8(octet);
    },
  };
}
