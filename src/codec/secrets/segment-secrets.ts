import { concatBytes, equalBytes } from "../../base/hex.ts";
import { commandHeaderLength, commandPrefixLength } from "../ota/command-packet.ts";
import { type Concatenation, concatenationOf, readUserDataHeader, securityHeaderOf } from "../sms/user-data-header.ts";
import { showScript } from "./script-secrets.ts";

/** A short message that passes by. */
export interface PassingMessage {
  readonly userData: Uint8Array;
  /** TP-UDHI: the user data start with a header. */
  readonly userDataHeader: boolean;
  /** Whom it goes to or comes from: the reference of a concatenation counts per peer. */
  readonly peer: string;
  /** Its place when it is carried outside the user data. SMPP 3.4 §5.3.2.22 */
  readonly segment?: Concatenation;
}

/** How a short message may be shown: its user data, the same octets when there is nothing to hide. */
export type ShowMessage = (message: PassingMessage) => Uint8Array;

/** One message, or one of several, cut into what matters here. */
interface PassingSegment {
  /** The packet it belongs to; undefined for a message by itself. */
  readonly packet?: string;
  readonly sequence: number;
  /** Its header indicates that it begins a command packet. */
  readonly command: boolean;
  /** What follows the header: a view. */
  readonly body: Uint8Array;
}

/** What has passed of a packet in several messages. */
export interface PassedSegments {
  readonly command: boolean;
  readonly bodies: ReadonlyMap<number, Uint8Array>;
}

/** @throws codec.* for a header that cannot be read */
export function passingSegment({ userData, userDataHeader, peer, segment }: PassingMessage): PassingSegment {
  const header = userDataHeader ? readUserDataHeader(userData) : undefined;
  const elements = header?.elements ?? [];
  const command = securityHeaderOf(elements) === "command";
  const body = header?.body ?? userData;
  const place = segment ?? concatenationOf(elements);
  if (place === undefined || place === "ignored" || place.total === 1) return { sequence: 1, command, body };
  const { reference, referenceBits, total, sequence } = place;
  return { packet: [peer, referenceBits, reference, total].join(" "), sequence, command, body };
}

/**
 * How the body of a segment may be shown after what has passed of its packet. A command packet that is not ciphered
 * carries its script in clear: keys and PINs are overwritten by zeros, wherever they were cut. A segment that does not
 * continue a packet that is known cannot be judged and loses all. 3GPP TS 31.115 §4
 */
export function stepSegment(
  passed: PassedSegments | undefined,
  { sequence, command, body }: PassingSegment,
): { readonly shown: Uint8Array; readonly passed?: PassedSegments } {
  const before = passed?.bodies.get(sequence);
  // Other octets in the same place: the reference has come round, this is another packet.
  const same = before === undefined ? sequence > 1 : equalBytes(before, body);
  const known = same ? passed : undefined;
  if (known === undefined && sequence > 1) return { shown: new Uint8Array(body.length) };
  const bodies = new Map(known?.bodies).set(sequence, before !== undefined && same ? before : Uint8Array.from(body));
  const now = { command: known?.command ?? command, bodies };
  return { passed: now, shown: shownBody(now, sequence, body) };
}

function shownBody({ command, bodies }: PassedSegments, sequence: number, body: Uint8Array): Uint8Array {
  if (!command) return body;
  const { packet, upTo } = leading(bodies, sequence);
  const ciphered = ((packet[3] ?? 0) & 0x04) !== 0;
  if (ciphered) return body;
  if (upTo < sequence) return new Uint8Array(body.length);
  const check = Math.max(0, (packet[2] ?? 0) - commandHeaderLength);
  const start = commandPrefixLength + check;
  const { bytes, hidden } = showScript(packet.subarray(start));
  if (!hidden) return body;
  const shown = concatBytes(packet.subarray(0, start), bytes).subarray(packet.length - body.length);
  return equalBytes(shown, body) ? body : shown;
}

/** The bodies from the first one on, without a gap, up to this one. */
function leading(bodies: PassedSegments["bodies"], last: number): { packet: Uint8Array; upTo: number } {
  const parts: Uint8Array[] = [];
  for (let part = bodies.get(1); part !== undefined && parts.length < last; part = bodies.get(parts.length + 1))
    parts.push(part);
  return { packet: concatBytes(...parts), upTo: parts.length };
}
