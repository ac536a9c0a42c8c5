import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { readTlv, readTlvs, type Tlv } from "../../../src/codec/kit/ber.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { InstallError, installStatus, reject } from "./install-error.ts";

/** A profile element as it arrived. */
export interface Element {
  readonly tag: number;
  /** Its fields; offsets count from the element's first octet. */
  readonly fields: readonly Tlv[];
  readonly mandated: boolean;
  readonly identification: number | undefined;
}

/** Unsigned number of an INTEGER, whatever its form. */
export function unsigned(tlv: Tlv, limit = 0x7fffffff): number {
  if (tlv.value.length === 0 || tlv.value.length > 5) return reject("badValues", tlv.offset);
  const value = tlv.value.reduce((sum, octet) => sum * 256 + octet, 0);
  return value <= limit ? value : reject("badValues", tlv.offset);
}

/** What `read` makes of an element; malformed octets are an invalid request. @throws InstallError */
export function readingElement<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InstallError) throw error;
    if (!isGatewayError(error) || !error.code.startsWith("codec.")) throw error;
    const { offset } = error.detail;
    throw new InstallError(installStatus.invalidFormat, typeof offset === "number" ? offset : undefined);
  }
}

/** The TLVs inside a TLV. */
export function inside(tlv: Tlv): Tlv[] {
  return readTlvs(tlv.value, tlv.valueOffset);
}

export function field(tlvs: readonly Tlv[], tag: number): Tlv | undefined {
  return tlvs.find((tlv) => tlv.tag === tag);
}

/** A field that has to be there. `where` is the offset of what lacks it. */
export function needed(tlvs: readonly Tlv[], tag: number, where?: number): Tlv {
  return field(tlvs, tag) ?? reject("badValues", where);
}

/** A value of exactly so many octets. */
export function sized(tlv: Tlv, ...lengths: readonly number[]): Uint8Array {
  return lengths.includes(tlv.value.length) ? tlv.value : reject("badValues", tlv.offset);
}

/** Takes one element apart: its PEHeader (the profile header has none) and its fields. */
export function readElement(bytes: Uint8Array): Element {
  const { tag, value, valueOffset } = readTlv(new Reader(bytes));
  const fields = readTlvs(value, valueOffset);
  if (tag === 0xa0) return { tag, fields, mandated: true, identification: undefined };
  const [header, ...rest] = fields;
  if (header?.tag !== 0xa0) return reject("invalidFormat", valueOffset);
  const parts = inside(header);
  const identification = field(parts, 0x81);
  return {
    tag,
    fields: rest,
    mandated: field(parts, 0x80) !== undefined,
    identification: identification && unsigned(identification, 0x7fff),
  };
}

/** Number in the PEHeader (0 of the profile header) of an element whose rest may be malformed or missing; undefined when even that is unreadable. */
export function identificationOf(bytes: Uint8Array): number | undefined {
  try {
    const [tag] = bytes;
    if (tag === 0xa0) return 0;
    const from = new Reader(bytes);
    from.take((tag ?? 0) % 32 === 31 ? 2 : 1);
    const first = from.u8();
    if (first > 0x80) from.take(first - 0x80);
    const identification = field(inside(readTlv(from)), 0x81);
    return identification && unsigned(identification, 0x7fff);
  } catch {
    return undefined;
  }
}
