import { codecError } from "../../base/gateway-error.ts";
import { behindValue, readLength, writeLength } from "../kit/ber.ts";
import { Reader, Writer } from "../kit/codec.ts";

/** A COMPREHENSION-TLV object as found or to be written. ETSI TS 101 220 §7.1.1 */
export interface CatTlv {
  /** 0x01 to 0x7E without the comprehension flag; three-octet tags as 0x7F0000 plus their 15 bits. */
  readonly tag: number;
  /** Comprehension required. */
  readonly cr: boolean;
  readonly value: Uint8Array;
  /** Offset of the first tag octet in the whole input, of an object that was read. */
  readonly offset?: number;
  /** Offset of the first value octet in the whole input, of an object that was read. */
  readonly valueOffset?: number;
  /** Length octets as found, when they were not the shortest form; written back alike. */
  readonly lengthOctets?: number;
}

function readCatTag(from: Reader): { tag: number; cr: boolean } {
  const offset = from.offset;
  const first = from.u8("tag");
  if (first === 0x00 || first === 0x80 || first === 0xff) {
    throw codecError("codec.tag", `${first.toString(16).toUpperCase()} is not a COMPREHENSION-TLV tag`, offset);
  }
  if (first !== 0x7f) return { tag: first & 0x7f, cr: (first & 0x80) !== 0 };
  const rest = from.uint(2, "tag");
  return { tag: 0x7f0000 | (rest & 0x7fff), cr: (rest & 0x8000) !== 0 };
}

/** Reads one object. @throws codec.tag, codec.length, codec.truncated */
export function readCatTlv(from: Reader): CatTlv {
  const offset = from.offset;
  const head = readCatTag(from);
  const lengthAt = from.offset;
  const length = readLength(from);
  const octets = from.offset - lengthAt;
  const shortest = length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 4;
  const valueOffset = from.offset;
  const value = from.take(length, `value of ${catTagText(head.tag)}`);
  return { ...head, value, offset, valueOffset, ...(octets === shortest ? {} : { lengthOctets: octets }) };
}

/** All objects up to the end of the input. `base` is the offset of the input in a larger one. */
export function readCatTlvs(bytes: Uint8Array, base = 0): CatTlv[] {
  const from = new Reader(bytes, base);
  const found: CatTlv[] = [];
  while (!from.ended) found.push(readCatTlv(from));
  return found;
}

/** Whether {@link readCatTlvs} reads these octets; makes no objects, for input of which there may be much. */
export function isCatTlvs(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    if (first === 0x00 || first === 0x80 || first === 0xff) return false;
    at = behindValue(bytes, at + (first === 0x7f ? 3 : 1));
  }
  return at === bytes.length;
}

function writeCatLength(to: Writer, length: number, octets: number | undefined): void {
  if (octets === undefined || octets < 2 || octets > 4 || length >= 256 ** (octets - 1)) writeLength(to, length);
  else to.u8(0x80 + octets - 1).uint(length, octets - 1);
}

/** Writes one object, its comprehension flag and length form as they were. */
export function writeCatTlv(to: Writer, tlv: CatTlv): void {
  if (tlv.tag > 0x7f) to.u8(0x7f).uint((tlv.tag & 0x7fff) | (tlv.cr ? 0x8000 : 0), 2);
  else if (tlv.tag < 0x01 || tlv.tag > 0x7e)
    throw codecError("codec.tag", `${tlv.tag} is not an object tag`, to.length);
  else to.u8(tlv.tag | (tlv.cr ? 0x80 : 0));
  writeCatLength(to, tlv.value.length, tlv.lengthOctets);
  to.bytes(tlv.value);
}

/** Octets of objects, one after the other. */
export function catTlvBytes(objects: readonly CatTlv[]): Uint8Array {
  const to = new Writer();
  for (const object of objects) writeCatTlv(to, object);
  return to.finish();
}

/** A tag in the usual notation: two digits, or six for a three-octet tag. */
export function catTagText(tag: number): string {
  return tag
    .toString(16)
    .toUpperCase()
    .padStart(tag > 0x7f ? 6 : 2, "0");
}
