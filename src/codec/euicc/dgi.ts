import { codecError } from "../../base/gateway-error.ts";
import { type Codec, encode, type Reader } from "../kit/codec.ts";

/** A data grouping of STORE DATA. GP Card Specification §11.11 */
export interface Dgi {
  /** Two octets: 0x3A03 … */
  readonly tag: number;
  readonly value: Uint8Array;
  /** Offset of the first value octet in the whole input, of a grouping that was read. */
  readonly valueOffset?: number;
}

const names: Readonly<Record<number, string>> = {
  112: "security domain data",
  14849: "off-card entity certificate",
  14850: "key establishment",
  14851: "enable profile",
  14852: "disable profile",
  14853: "set fall-back attribute",
  14854: "update POL1",
  14855: "addressing or connectivity parameters",
  14856: "notification confirmation",
  14857: "emergency profile attribute",
  32545: "certificate",
  48944: "forwarded CASD data",
};

/** What a grouping is for in SGP.02; undefined when unknown. */
export function dgiName(tag: number): string | undefined {
  return names[tag];
}

interface Length {
  readonly octets: number;
  readonly length: number;
}

function lengthForms(from: Reader): Length[] {
  const first = from.peek();
  if (first === undefined) return [];
  const second = from.peek(1) ?? 0;
  const third = from.peek(2) ?? 0;
  const forms: Length[] = [];
  if (first === 0xff) forms.push({ octets: 3, length: second * 256 + third });
  else forms.push({ octets: 1, length: first });
  if (first === 0x81) forms.push({ octets: 2, length: second });
  if (first === 0x82) forms.push({ octets: 3, length: second * 256 + third });
  return forms;
}

/**
 * Takes the GP form (one octet, or FF and two) when it fills the block; a BER length, as some senders write it, when
 * only that does; otherwise the first that fits.
 */
function readDgiLength(from: Reader): number {
  const offset = from.offset;
  const forms = lengthForms(from).filter(({ octets, length }) => octets + length <= from.remaining);
  const exact = forms.find(({ octets, length }) => octets + length === from.remaining);
  const chosen = exact ?? forms[0];
  if (chosen === undefined) throw codecError("codec.length", "DGI length does not fit the block", offset);
  from.take(chosen.octets);
  return chosen.length;
}

/** One data grouping; written with the GP length form. */
export const Dgi: Codec<Dgi> = {
  read: (from) => {
    const tag = from.uint(2, "DGI");
    const length = readDgiLength(from);
    const valueOffset = from.offset;
    return { tag, value: from.take(length, "DGI value"), valueOffset };
  },
  write: (to, value) => {
    to.uint(value.tag, 2);
    if (value.value.length > 0xffff) throw codecError("codec.length", "DGI is too long", to.length);
    if (value.value.length < 0xff) to.u8(value.value.length);
    else to.u8(0xff).uint(value.value.length, 2);
    to.bytes(value.value);
  },
};

/** Data groupings up to the end of the input. */
export const Dgis: Codec<readonly Dgi[]> = {
  read: (from) => {
    const found: Dgi[] = [];
    while (!from.ended) found.push(Dgi.read(from));
    return found;
  },
  write: (to, value) => {
    for (const dgi of value) Dgi.write(to, dgi);
  },
};

/** Octets of one grouping. */
export function dgiBytes(tag: number, value: Uint8Array): Uint8Array {
  return encode(Dgi, { tag, value });
}
