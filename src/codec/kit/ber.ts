import { codecError } from "../../base/gateway-error.ts";
import { type Codec, encode, Reader, Writer } from "./codec.ts";

/** A BER-TLV as found: where it starts, and a view of its value. ISO/IEC 8825-1, ETSI TS 101 220 */
export interface Tlv {
  /** Tag octets as one number: 0x4f, 0x9f70, 0xbf30 … */
  readonly tag: number;
  readonly value: Uint8Array;
  /** Offset of the first tag octet in the whole input. */
  readonly offset: number;
  /** Offset of the first value octet in the whole input. */
  readonly valueOffset: number;
}

/** Reads a BER tag (one to three octets). */
export function readTag(from: Reader): number {
  const offset = from.offset;
  let tag = from.u8("tag");
  if ((tag & 0x1f) !== 0x1f) return tag;
  for (let i = 0; i < 2; i++) {
    const octet = from.u8("tag");
    tag = tag * 256 + octet;
    if ((octet & 0x80) === 0) return tag;
  }
  throw codecError("codec.tag", "tag of more than three octets", offset);
}

/** Reads a definite BER length (up to three length octets). */
export function readLength(from: Reader): number {
  const offset = from.offset;
  const first = from.u8("length");
  if (first < 0x80) return first;
  if (first === 0x80) throw codecError("codec.length", "indefinite length is not allowed here", offset);
  if (first > 0x83) throw codecError("codec.length", `length of ${first - 0x80} octets`, offset);
  return from.uint(first - 0x80, "length");
}

/** Writes a BER length in its shortest form. */
export function writeLength(to: Writer, length: number): void {
  if (length < 0x80) to.u8(length);
  else if (length < 0x100) to.u8(0x81).u8(length);
  else if (length < 0x10000) to.u8(0x82).uint(length, 2);
  else to.u8(0x83).uint(length, 3);
}

/** Writes tag octets as they stand in the number. */
function writeTag(to: Writer, tag: number): void {
  to.uint(tag, tag > 0xffff ? 3 : tag > 0xff ? 2 : 1);
}

/** Reads one TLV with a definite length. */
export function readTlv(from: Reader): Tlv {
  const offset = from.offset;
  const tag = readTag(from);
  const length = readLength(from);
  const valueOffset = from.offset;
  // The text is made for an error only: there may be many TLVs.
  const field = length > from.remaining ? `value of tag ${tag.toString(16).toUpperCase()}` : undefined;
  return { tag, offset, valueOffset, value: from.take(length, field) };
}

/** All TLVs up to the end of the input. */
export function readTlvs(bytes: Uint8Array, base = 0): Tlv[] {
  const from = new Reader(bytes, base);
  const found: Tlv[] = [];
  while (!from.ended) found.push(readTlv(from));
  return found;
}

/** Whether {@link readTlvs} reads these octets; makes no objects, for input of which there may be much. */
export function isTlvs(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const more = ((bytes[at] ?? 0) & 0x1f) !== 0x1f ? 0 : ((bytes[at + 1] ?? 0) & 0x80) === 0 ? 1 : 2;
    if (more === 2 && ((bytes[at + 2] ?? 0) & 0x80) !== 0) return false;
    at = behindValue(bytes, at + 1 + more);
  }
  return at === bytes.length;
}

/** Where the value ends whose BER length stands at `at`; infinite when it has none that is taken, or ends behind the input. */
export function behindValue(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0x80;
  const octets = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || octets > 3 || at + octets >= bytes.length) return Number.POSITIVE_INFINITY;
  let length = octets === 0 ? first : 0;
  for (let octet = 1; octet <= octets; octet++) length = length * 256 + (bytes[at + octet] ?? 0);
  const end = at + 1 + octets + length;
  return end > bytes.length ? Number.POSITIVE_INFINITY : end;
}

/** Octets of one TLV. */
export function tlvBytes(tag: number, ...values: readonly Uint8Array[]): Uint8Array {
  const to = new Writer();
  writeTag(to, tag);
  writeLength(
    to,
    values.reduce((sum, value) => sum + value.length, 0),
  );
  for (const value of values) to.bytes(value);
  return to.finish();
}

/** A codec for exactly one TLV of this tag around `inner`. */
export function wrapped<T>(tag: number, inner: Codec<T>): Codec<T> {
  return {
    read: (from) => {
      const offset = from.offset;
      const found = readTag(from);
      if (found !== tag) {
        throw codecError("codec.tag", `tag ${hexTag(found)} in place of tag ${hexTag(tag)}`, offset);
      }
      const body = from.sub(readLength(from), `value of tag ${hexTag(tag)}`);
      const value = inner.read(body);
      body.end(`value of tag ${hexTag(tag)}`);
      return value;
    },
    write: (to, value) => void to.bytes(tlvBytes(tag, encode(inner, value))),
  };
}

/** A tag as specifications print it. */
export function hexTag(tag: number): string {
  const text = tag.toString(16).toUpperCase();
  return text.length % 2 ? `0${text}` : text;
}
