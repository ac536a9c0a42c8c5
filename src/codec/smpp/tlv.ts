import { codecError } from "../../base/gateway-error.ts";
import type { Codec, Writer } from "../kit/codec.ts";
import { fromLatin1, latin1 } from "./fields.ts";

/** An optional parameter as found on the wire. SMPP 3.4 §5.3 */
export interface RawTlv {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** How one optional parameter is read and written. `parse` gives undefined for octets that are not its form. */
interface Parameter<T> {
  readonly tag: number;
  parse(value: Uint8Array): T | undefined;
  write(to: Writer, value: T): void;
}

function integer(tag: number, octets: 1 | 2 | 4): Parameter<number> {
  return {
    tag,
    parse: (bytes) => {
      if (bytes.length !== octets) return undefined;
      let value = 0;
      for (let i = 0; i < octets; i++) value = value * 256 + (bytes[i] ?? 0);
      return value;
    },
    write: (to, value) => {
      if (!Number.isInteger(value) || value < 0 || value >= 256 ** octets) {
        throw codecError("codec.value", `TLV ${tag.toString(16)}: ${value} does not fit ${octets} octets`, to.length);
      }
      to.uint(tag, 2).uint(octets, 2).uint(value, octets);
    },
  };
}

/** Text with its NUL; read by the TLV's length alone, because peers forget the NUL. */
function text(tag: number): Parameter<string> {
  return {
    tag,
    parse: (bytes) => {
      let length = bytes.length;
      while (length > 0 && bytes[length - 1] === 0) length -= 1;
      return latin1(bytes.subarray(0, length));
    },
    write: (to, value) => {
      const bytes = fromLatin1(value, `TLV ${tag.toString(16)}`, to.length);
      to.uint(tag, 2)
        .uint(bytes.length + 1, 2)
        .bytes(bytes)
        .u8(0);
    },
  };
}

function binary(tag: number): Parameter<Uint8Array> {
  return {
    tag,
    parse: (bytes) => bytes,
    write: (to, value) => {
      if (value.length > 0xffff) {
        throw codecError("codec.length", `TLV ${tag.toString(16)}: ${value.length} octets`, to.length);
      }
      to.uint(tag, 2).uint(value.length, 2).bytes(value);
    },
  };
}

const parameters = {
  destAddrSubunit: integer(0x0005, 1),
  destNetworkType: integer(0x0006, 1),
  destBearerType: integer(0x0007, 1),
  destTelematicsId: integer(0x0008, 2),
  sourceAddrSubunit: integer(0x000d, 1),
  sourceNetworkType: integer(0x000e, 1),
  sourceBearerType: integer(0x000f, 1),
  sourceTelematicsId: integer(0x0010, 1),
  qosTimeToLive: integer(0x0017, 4),
  payloadType: integer(0x0019, 1),
  additionalStatusInfoText: text(0x001d),
  receiptedMessageId: text(0x001e),
  msMsgWaitFacilities: integer(0x0030, 1),
  privacyIndicator: integer(0x0201, 1),
  sourceSubaddress: binary(0x0202),
  destSubaddress: binary(0x0203),
  userMessageReference: integer(0x0204, 2),
  userResponseCode: integer(0x0205, 1),
  sourcePort: integer(0x020a, 2),
  destinationPort: integer(0x020b, 2),
  sarMsgRefNum: integer(0x020c, 2),
  languageIndicator: integer(0x020d, 1),
  sarTotalSegments: integer(0x020e, 1),
  sarSegmentSeqnum: integer(0x020f, 1),
  scInterfaceVersion: integer(0x0210, 1),
  callbackNumPresInd: integer(0x0302, 1),
  callbackNumAtag: binary(0x0303),
  numberOfMessages: integer(0x0304, 1),
  callbackNum: binary(0x0381),
  dpfResult: integer(0x0420, 1),
  setDpf: integer(0x0421, 1),
  msAvailabilityStatus: integer(0x0422, 1),
  networkErrorCode: binary(0x0423),
  messagePayload: binary(0x0424),
  deliveryFailureReason: integer(0x0425, 1),
  moreMessagesToSend: integer(0x0426, 1),
  messageState: integer(0x0427, 1),
  congestionState: integer(0x0428, 1),
  ussdServiceOp: binary(0x0501),
  displayTime: integer(0x1201, 1),
  smsSignal: integer(0x1203, 2),
  msValidity: binary(0x1204),
  alertOnMessageDelivery: binary(0x130c),
  itsReplyType: integer(0x1380, 1),
  itsSessionInfo: binary(0x1383),
} as const;

type Parameters = typeof parameters;
type Value<P> = P extends Parameter<infer T> ? T : never;

/**
 * Optional parameters by name; what has no name here, comes twice, or is not in its form is kept unchanged. SMPP 3.4
 * §5.3.2, SMPP 5.0 §4.8.4
 */
export type Tlvs = { readonly [K in keyof Parameters]?: Value<Parameters[K]> } & {
  readonly unknown?: readonly RawTlv[];
  /** Octets behind the last whole parameter: a parameter that was cut, or no parameter at all. */
  readonly rest?: Uint8Array;
};

/** Octets of a tag and a length. */
const headOctets = 4;

/** The parameter that the PDU cuts short, with the octets of its value that are there. */
export function cutParameter({
  rest,
}: Tlvs): { readonly name: string | undefined; readonly value: Uint8Array } | undefined {
  if (rest === undefined || rest.length < headOctets) return undefined;
  const tag = ((rest[0] ?? 0) << 8) | (rest[1] ?? 0);
  return { name: byTag.get(tag)?.[0], value: rest.subarray(headOctets) };
}

/** The text of a parameter, even of one that the PDU cuts short. */
export function textOf(given: Tlvs, name: "receiptedMessageId" | "additionalStatusInfoText"): string | undefined {
  const cut = given[name] === undefined ? cutParameter(given) : undefined;
  return cut?.name === name ? parameters[name].parse(cut.value) : given[name];
}

const entries: readonly (readonly [string, Parameter<unknown>])[] = Object.entries<Parameter<unknown>>(parameters);
const byTag = new Map(entries.map((entry) => [entry[1].tag, entry] as const));
const none: Tlvs = Object.freeze({});

/** Names of optional parameters by tag, as the specification spells them. */
export function tlvName(tag: number): string | undefined {
  return byTag.get(tag)?.[0].replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** All optional parameters up to the end of the PDU, in any order; what cannot be read as one is kept as `rest`. */
export const tlvs: Codec<Tlvs> = {
  read: (from) => {
    if (from.ended) return none;
    const found: Record<string, unknown> = {};
    let unknown: RawTlv[] | undefined;
    while (!from.ended) {
      const announced = ((from.peek(2) ?? 0) << 8) | (from.peek(3) ?? 0);
      if (from.remaining < headOctets + announced) {
        found.rest = from.rest();
        break;
      }
      const tag = from.uint(2, "TLV");
      const value = from.take(from.uint(2, "TLV"), "TLV");
      const known = byTag.get(tag);
      const parsed = known === undefined || found[known[0]] !== undefined ? undefined : known[1].parse(value);
      if (known !== undefined && parsed !== undefined) found[known[0]] = parsed;
      else {
        unknown ??= [];
        unknown.push({ tag, value });
      }
    }
    if (unknown !== undefined) found.unknown = unknown;
    return found;
  },
  write: (to, value) => {
    if (value === none) return;
    const given: Readonly<Record<string, unknown>> = value;
    for (const name in given) {
      const one = given[name];
      if (one === undefined || name === "unknown" || name === "rest") continue;
      byName.get(name)?.write(to, one);
    }
    for (const raw of value.unknown ?? []) to.uint(raw.tag, 2).uint(raw.value.length, 2).bytes(raw.value);
    if (value.rest !== undefined) to.bytes(value.rest);
  },
};

const byName = new Map(entries);
