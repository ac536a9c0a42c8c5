import { withoutUndefined } from "../../base/defined.ts";
import { codecError } from "../../base/gateway-error.ts";
import { imeiText } from "../cat/local-info.ts";
import { hexTag, readTlvs, type Tlv, tlvBytes, wrapped } from "../kit/ber.ts";
import type { Codec } from "../kit/codec.ts";
import { type Aid, aidFromOctets, aidOctets } from "./aid.ts";
import { type Eid, eidFromOctets, eidOctets } from "./eid.ts";

/** Default notification of an eUICC to its SM-SR. SGP.02 §4.1.1.11 */
export interface Notification {
  readonly eid: Eid;
  readonly type: number;
  /** Echoed in the confirmation; not unique over time. */
  readonly sequence: number;
  /** The ISD-P that is enabled now; absent in a declaration of some cards. */
  readonly isdP?: Aid;
  /** As PROVIDE LOCAL INFORMATION gave it (8 octets). */
  readonly imei?: Uint8Array;
  readonly meid?: Uint8Array;
  /** Tags as found, where they differ from 2F, 14, 6D. */
  readonly tags?: { readonly isdP?: number; readonly imei?: number; readonly meid?: number };
  readonly unknown?: readonly Pick<Tlv, "tag" | "value">[];
}

const types: Readonly<Record<number, string>> = {
  1: "eUICC declaration",
  2: "profile change succeeded",
  3: "profile change failed and rolled back",
  4: "void",
  5: "profile change after fall-back",
};

/** Meaning of a notification type. */
export function notificationTypeText(type: number): string {
  return types[type] ?? `notification type ${hexTag(type)}`;
}

/** A sequence number in its written form: four upper-case hexadecimal digits. */
export function sequenceText(sequence: number): string {
  return sequence.toString(16).toUpperCase().padStart(4, "0");
}

/** The sequence number of a written form. */
export function sequenceOf(text: string): number {
  return Number.parseInt(text, 16);
}

/** The IMEI of a notification as digits, when it holds fifteen. */
export function notificationImei(notification: Notification): string | undefined {
  return notification.imei === undefined ? undefined : imeiText(notification.imei);
}

const isdPTags = [0x2f, 0xaf, 0x4f];
const imeiTags = [0x14, 0x94];
const meidTags = [0x6d, 0xed];

function one(found: readonly Tlv[], tags: readonly number[], field: string): Tlv | undefined {
  const matches = found.filter((tlv) => tags.includes(tlv.tag));
  const [first, second] = matches;
  if (second !== undefined) throw codecError("codec.tag", `second ${field}`, second.offset, { field });
  return first;
}

function must(found: readonly Tlv[], tag: number, length: number | undefined, field: string, end: number): Tlv {
  const tlv = one(found, [tag], field);
  if (tlv === undefined) throw codecError("codec.tag", `${field} (tag ${hexTag(tag)}) is missing`, end, { field });
  if (length !== undefined && tlv.value.length !== length) {
    throw codecError("codec.length", `${field} of ${tlv.value.length} octets`, tlv.valueOffset, { field });
  }
  return tlv;
}

const body: Codec<Notification> = {
  read: (from) => {
    const base = from.offset;
    const found = readTlvs(from.rest(), base);
    const end = from.offset;
    const eid = must(found, 0x4c, undefined, "EID", end);
    const sequence = must(found, 0x4e, 2, "sequence number", end).value;
    const isdP = one(found, isdPTags, "ISD-P AID");
    const imei = one(found, imeiTags, "IMEI");
    const meid = one(found, meidTags, "MEID");
    const known = [0x4c, 0x4d, 0x4e, ...isdPTags, ...imeiTags, ...meidTags];
    const unknown = found.filter(({ tag }) => !known.includes(tag)).map(({ tag, value }) => ({ tag, value }));
    const tags = {
      ...(isdP === undefined || isdP.tag === 0x2f ? {} : { isdP: isdP.tag }),
      ...(imei === undefined || imei.tag === 0x14 ? {} : { imei: imei.tag }),
      ...(meid === undefined || meid.tag === 0x6d ? {} : { meid: meid.tag }),
    };
    return {
      eid: eidFromOctets(eid.value, eid.valueOffset),
      type: must(found, 0x4d, 1, "notification type", end).value[0] ?? 0,
      sequence: (sequence[0] ?? 0) * 256 + (sequence[1] ?? 0),
      ...(isdP === undefined ? {} : { isdP: aidFromOctets(isdP.value, isdP.valueOffset) }),
      ...withoutUndefined({ imei: imei?.value, meid: meid?.value }),
      ...(Object.keys(tags).length === 0 ? {} : { tags }),
      ...(unknown.length === 0 ? {} : { unknown }),
    };
  },
  write: (to, value) => {
    const tags = value.tags ?? {};
    to.bytes(tlvBytes(0x4c, eidOctets(value.eid)));
    to.bytes(tlvBytes(0x4d, Uint8Array.of(value.type)));
    to.bytes(tlvBytes(0x4e, Uint8Array.of(value.sequence >> 8, value.sequence & 0xff)));
    if (value.isdP !== undefined) to.bytes(tlvBytes(tags.isdP ?? 0x2f, aidOctets(value.isdP)));
    if (value.imei !== undefined) to.bytes(tlvBytes(tags.imei ?? 0x14, value.imei));
    if (value.meid !== undefined) to.bytes(tlvBytes(tags.meid ?? 0x6d, value.meid));
    for (const { tag, value: octets } of value.unknown ?? []) to.bytes(tlvBytes(tag, octets));
  },
};

export const Notification: Codec<Notification> = wrapped(0xe1, body);

/** Whether octets start like a notification (a bare E1 template), before anything is decoded. */
export function looksLikeNotification(octets: Uint8Array): boolean {
  return octets[0] === 0xe1 && octets[octets[1] === 0x81 ? 3 : 2] === 0x4c;
}
