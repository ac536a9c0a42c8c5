import { codecError } from "../../base/gateway-error.ts";
import { type Codec, encode, type Of } from "./codec.ts";

/** Big-endian unsigned integer of a fixed number of octets (1 to 6). */
function uint(octets: number): Codec<number> {
  const limit = 256 ** octets;
  return {
    read: (from) => from.uint(octets),
    write: (to, value) => {
      if (!Number.isInteger(value) || value < 0 || value >= limit) {
        throw codecError("codec.value", `${value} does not fit ${octets} octets`, to.length);
      }
      to.uint(value, octets);
    },
  };
}

export const u8 = uint(1);
export const u16 = uint(2);

/** All octets that are left. */
export const rest: Codec<Uint8Array> = {
  read: (from) => from.rest(),
  write: (to, value) => void to.bytes(value),
};

/** A fixed number of octets. */
export function octets(count: number): Codec<Uint8Array> {
  return {
    read: (from) => from.take(count),
    write: (to, value) => {
      if (value.length !== count) {
        throw codecError("codec.length", `must have ${count} octets, not ${value.length}`, to.length);
      }
      to.bytes(value);
    },
  };
}

/** Something whose length in octets is written before it. */
export function sized<T>(length: Codec<number>, inner: Codec<T>): Codec<T> {
  return {
    read: (from) => {
      const body = from.sub(length.read(from));
      const value = inner.read(body);
      body.end();
      return value;
    },
    write: (to, value) => {
      const body = encode(inner, value);
      length.write(to, body.length);
      to.bytes(body);
    },
  };
}

/** Value on the wire ↔ another value, by two functions. `into` may throw codec.*. */
export function mapped<A, B>(inner: Codec<A>, into: (value: A) => B, back: (value: B) => A): Codec<B> {
  return {
    read: (from) => into(inner.read(from)),
    write: (to, value) => inner.write(to, back(value)),
  };
}

type Fields = Readonly<Record<string, Codec<any>>>;

/** Fields one after the other, in the order of the declaration. */
export function record<F extends Fields>(fields: F): Codec<{ readonly [K in keyof F]: Of<F[K]> }> {
  const names = Object.keys(fields);
  const codecs = Object.values<Codec<unknown>>(fields);
  return {
    read: (from) => {
      const value: Record<string, unknown> = {};
      for (let i = 0; i < codecs.length; i++) value[names[i] as string] = (codecs[i] as Codec<unknown>).read(from);
      return value as { readonly [K in keyof F]: Of<F[K]> };
    },
    write: (to, value) => {
      for (let i = 0; i < codecs.length; i++) (codecs[i] as Codec<unknown>).write(to, value[names[i] as keyof F]);
    },
  };
}
