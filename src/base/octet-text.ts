import type { z } from "zod";
import { isGatewayError } from "./gateway-error.ts";
import { fromHex, toHex } from "./hex.ts";

/** A value with its octets as hexadecimal text: the form of answers, documents and stored JSON. */
export type OctetText<T> = T extends Uint8Array
  ? string
  : T extends string
    ? T
    : T extends readonly (infer E)[]
      ? readonly OctetText<E>[]
      : T extends object
        ? { readonly [K in keyof T]: OctetText<T[K]> }
        : T;

/** The value with hexadecimal text in place of octets, at any depth. For the edges: inside, octets stay octets. */
export function octetText<T>(value: T): OctetText<T> {
  return textOf(value) as OctetText<T>;
}

function textOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(textOf);
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  // `__proto__` would set the prototype of the copy.
  for (const key of Object.keys(value)) if (key !== "__proto__") copy[key] = textOf((value as typeof copy)[key]);
  return copy;
}

/** The octets of hexadecimal text; undefined for any other value. */
export function octetsOrNone(text: unknown): Uint8Array | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return fromHex(text);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

/** Octets by name from their {@link octetText}; a value that is not hexadecimal text is omitted. */
export function octetsByName(written: Readonly<Record<string, unknown>>): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(written).flatMap(([name, text]): [string, Uint8Array][] => {
      const octets = octetsOrNone(text);
      return octets === undefined ? [] : [[name, octets]];
    }),
  );
}

/** The shape of hexadecimal text whose output is its octets, for requests. */
export function octetsOf(text: z.ZodString) {
  return text.transform((checked) => fromHex(checked));
}
