import { withoutUndefined } from "../../base/defined.ts";
import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import {
  type Concatenation,
  concatenationOf,
  elementId,
  readUserDataHeader,
  securityHeaderOf,
  userDataHeaderBytes,
} from "./user-data-header.ts";

/** Octets of TP-UD that one short message carries with an 8-bit alphabet. 3GPP TS 23.040 §9.2.3.16 */
const userDataLimit = 140;

/** How a packet that needs several messages is referenced. */
interface SegmentReference {
  readonly reference: number;
  readonly referenceBits: 8 | 16;
}

function concatElement(ref: SegmentReference, total: number, sequence: number) {
  const wide = ref.referenceBits === 16;
  const head = wide ? [ref.reference >> 8, ref.reference & 0xff] : [ref.reference & 0xff];
  return { id: wide ? elementId.concat16 : elementId.concat8, value: Uint8Array.of(...head, total, sequence) };
}

/** How many messages a packet of this many octets takes. 3GPP TS 31.115 §5 */
export function segmentCount(packetOctets: number, referenceBits: 8 | 16 = 8, limit = userDataLimit): number {
  if (packetOctets <= limit - 3) return 1;
  const following = limit - (referenceBits === 16 ? 7 : 6);
  return 1 + Math.ceil((packetOctets - (following - 2)) / following);
}

/**
 * Cuts a command (`70`) or response (`71`) packet into TP-UDs, header included. One message carries the security
 * element alone; of several, the first carries the concatenation element and then the security element, the others
 * concatenation only, all but the last filled completely. 3GPP TS 31.115 §4, §5
 * @throws codec.length above 255 messages, codec.value for a reference that does not fit
 */
export function segmentPacket(
  packet: Uint8Array,
  kind: "command" | "response",
  ref: SegmentReference = { reference: 0, referenceBits: 8 },
  limit = userDataLimit,
): Uint8Array[] {
  if (!Number.isInteger(ref.reference) || ref.reference < 0 || ref.reference >= 2 ** ref.referenceBits) {
    throw codecError("codec.value", `reference ${ref.reference} does not fit ${ref.referenceBits} bits`, 0);
  }
  const security = { id: kind === "command" ? elementId.command : elementId.response, value: new Uint8Array(0) };
  const total = segmentCount(packet.length, ref.referenceBits, limit);
  if (total === 1) return [concatBytes(userDataHeaderBytes([security]), packet)];
  if (total > 255) throw codecError("codec.length", `${packet.length} octets need ${total} messages, at most 255`, 0);
  const segments: Uint8Array[] = [];
  for (let sequence = 1, at = 0; sequence <= total; sequence++) {
    const concat = concatElement(ref, total, sequence);
    const header = userDataHeaderBytes(sequence === 1 ? [concat, security] : [concat]);
    const part = packet.subarray(at, at + limit - header.length);
    segments.push(concatBytes(header, part));
    at += part.length;
  }
  return segments;
}

/** Octets of one message, ready to be put together. */
export interface Segment {
  readonly security?: "command" | "response";
  readonly concatenation?: Concatenation;
  /** The header names a concatenation that the standard asks to ignore. */
  readonly ignoredConcatenation: boolean;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

/** Reads the header of a TP-UD. @throws codec.* when it is malformed */
export function readSegment(userData: Uint8Array): Segment {
  const { elements, body, headerLength } = readUserDataHeader(userData);
  const concatenation = concatenationOf(elements);
  const security = securityHeaderOf(elements);
  return {
    ...withoutUndefined({ security }),
    ...(concatenation === undefined || concatenation === "ignored" ? {} : { concatenation }),
    ignoredConcatenation: concatenation === "ignored",
    header: userData.subarray(0, headerLength),
    body,
  };
}

/** A whole message after reassembly. */
export interface Assembled {
  readonly security?: "command" | "response";
  /** The header of the first segment as it stood on the air. */
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly segments: number;
}

/** Messages of which some segments are here. A plain value: keep it, replace it with what {@link assemble} returns. */
export type Pending = ReadonlyMap<string, PendingMessage>;

/** One message of which segments are missing. */
interface PendingMessage {
  readonly total: number;
  readonly parts: ReadonlyMap<number, Segment>;
  /** When its first segment came, as the caller's clock counts. */
  readonly since: number;
}

function whole(parts: readonly Segment[]): Assembled {
  const first = parts[0];
  const security = parts.find((part) => part.security !== undefined)?.security;
  return {
    ...withoutUndefined({ security }),
    header: first?.header ?? new Uint8Array(0),
    body: parts.length === 1 && first !== undefined ? first.body : concatBytes(...parts.map((part) => part.body)),
    segments: parts.length,
  };
}

/** How many unfinished messages are kept: the oldest go first, so that a flood of fragments costs bounded time. */
const pendingLimit = 1024;

/**
 * Takes one segment in: pure, any order, duplicates do no harm. `originator` and the reference distinguish messages. A
 * segment without concatenation is whole at once; past 1024 unfinished messages the oldest are forgotten. 3GPP TS
 * 23.040 §9.2.3.24.1
 */
export function assemble(
  pending: Pending,
  segment: Segment,
  originator = "",
  now = 0,
): { readonly pending: Pending; readonly complete?: Assembled } {
  const concat = segment.concatenation;
  if (concat === undefined) return { pending, complete: whole([segment]) };
  const key = `${originator}/${concat.referenceBits}/${concat.reference}/${concat.total}`;
  const known = pending.get(key);
  const parts = new Map(known?.parts);
  parts.set(concat.sequence, segment);
  const next = new Map(pending);
  if (parts.size < concat.total) {
    next.set(key, { total: concat.total, parts, since: known?.since ?? now });
    for (const oldest of next.keys()) {
      if (next.size <= pendingLimit) break;
      next.delete(oldest);
    }
    return { pending: next };
  }
  next.delete(key);
  const ordered = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
  return { pending: next, complete: whole(ordered) };
}

/** Drops messages whose first segment came before `oldest`. */
export function forgetOlder(pending: Pending, oldest: number): Pending {
  return new Map([...pending].filter(([, message]) => message.since >= oldest));
}
