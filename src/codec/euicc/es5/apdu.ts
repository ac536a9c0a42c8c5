import { codecError } from "../../../base/gateway-error.ts";
import { concatBytes } from "../../../base/hex.ts";
import { tlvBytes } from "../../kit/ber.ts";
import { decode, Reader } from "../../kit/codec.ts";
import { rest } from "../../kit/primitives.ts";
import { template, tlv } from "../../kit/template.ts";
import { type Aid, aidFromOctets, aidOctets } from "../aid.ts";
import { dgiBytes } from "../dgi.ts";
import type { CardCommand } from "./record.ts";

/** One command APDU. @throws codec.length */
export function apdu(cla: number, ins: number, p1: number, p2: number, data: Uint8Array): Uint8Array {
  if (data.length > 255) {
    throw codecError("codec.length", `command data of ${data.length} octets`, 5, { field: "Lc", length: data.length });
  }
  const lc = data.length === 0 ? [] : [data.length];
  return concatBytes(Uint8Array.of(cla, ins, p1, p2, ...lc), data, Uint8Array.of(0));
}

/** P1 bits of STORE DATA. GP Card Specification §11.11.2.1 */
const storeData = { last: 0x80, dgi: 0x08, response: 0x01 } as const;

/**
 * STORE DATA blocks of one run of groupings; a run of more than 255 octets takes several blocks. `more` announces
 * that another command of the same sequence follows. GP Card Specification §11.11
 */
export function storeBlocks(
  data: Uint8Array,
  options: { readonly response?: boolean; readonly more?: boolean; readonly firstBlock?: number } = {},
): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const last = at + 255 >= data.length && options.more !== true;
    const p1 = storeData.dgi | (last ? storeData.last : 0) | (options.response === true ? storeData.response : 0);
    blocks.push(apdu(0x80, 0xe2, p1, (options.firstBlock ?? 0) + blocks.length, data.subarray(at, at + 255)));
  }
  return blocks;
}

/** A value behind its length octet. */
export function lv(value: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(value.length), value);
}

/** GET DATA for one object. GP Card Specification §11.3 */
export function getData(tag: number, list?: readonly number[]): Uint8Array {
  return apdu(0x80, 0xca, tag >> 8, tag & 0xff, list === undefined ? new Uint8Array(0) : tagList(list));
}

/** Whether a GET DATA asks for an object. */
export function asksFor({ p1, p2 }: CardCommand, tag: number): boolean {
  return p1 * 256 + p2 === tag;
}

/** A tag list (5C). */
export function tagList(tags: readonly number[]): Uint8Array {
  return tlvBytes(0x5c, Uint8Array.from(tags.flatMap((tag) => (tag > 0xff ? [tag >> 8, tag & 0xff] : [tag]))));
}

/** Tags of a tag list, which has no lengths. */
export function tagsOf(list: Uint8Array): number[] {
  const tags: number[] = [];
  for (let at = 0; at < list.length; at++) {
    const first = list[at] ?? 0;
    if ((first & 0x1f) === 0x1f && at + 1 < list.length) tags.push(first * 256 + (list[++at] ?? 0));
    else tags.push(first);
  }
  return tags;
}

/** Length-prefixed fields of an INSTALL, one after the other. GP Card Specification §11.5.2.3 */
export function installFields({ data, dataOffset }: CardCommand) {
  const from = new Reader(data, dataOffset);
  const next = (name: string) => {
    const length = from.u8(`${name} length`);
    const offset = from.offset;
    return { value: from.take(length, name), offset };
  };
  return { next, take: (octets: number, name: string) => from.take(octets, name) };
}

/** STORE DATA of a grouping that names one ISD-P. SGP.02 §4.1.1 */
export function isdPGrouping(dgi: number, isdP: Aid): Uint8Array[] {
  return storeBlocks(dgiBytes(dgi, tlvBytes(0x4f, aidOctets(isdP))));
}

/** The ISD-P that such a grouping names; undefined for another grouping. */
export function isdPOfGrouping({ grouping }: CardCommand, dgi: number): Aid | undefined {
  if (grouping?.tag !== dgi || grouping.value.length === 0) return undefined;
  const { aid } = decode(template({ aid: tlv(0x4f, rest) }), grouping.value, grouping.valueOffset);
  return aidFromOctets(aid, grouping.valueOffset + 2);
}
