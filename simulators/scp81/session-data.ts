import { withoutUndefined } from "../../src/base/defined.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { readTlvs, type Tlv } from "../../src/codec/kit/ber.ts";
import { catValue, readCatTlvs } from "../euicc/cat-tlv.ts";

/** What the card's administration agent opens a session with; a part that is missing was not sent. GP Amendment B §3.7 */
export interface SessionData {
  /** COMPREHENSION-TLVs for OPEN CHANNEL, unchanged. §3.8.1 */
  readonly connection?: Uint8Array;
  /** §3.8.2 */
  readonly security?: { readonly pskIdentity: string; readonly kvn: number; readonly keyId: number };
  /** §3.8.3 */
  readonly retry?: { readonly attempts: number; readonly delayMs: number };
  /** §3.8.4 */
  readonly host?: string;
  /** §3.8.5 */
  readonly agentId?: string;
  /** §3.8.6 */
  readonly uri?: string;
}

/** The session data of an Administration Session Triggering message. GP Amendment B §3.7 @throws codec.*, scp81.protocol */
export function readTrigger(message: Uint8Array): SessionData {
  const [outer, ...more] = readTlvs(message);
  if (outer?.tag !== 0x81 || more.length > 0) throw malformed("the trigger is not one TLV of tag 81");
  const session = only(readTlvs(outer.value), 0x83);
  return session === undefined ? {} : readSessionData(session.value);
}

/** The contents of tag 83 of a trigger, or of the stored parameters 85. GP Amendment B §3.8 @throws codec.*, scp81.protocol */
export function readSessionData(octets: Uint8Array): SessionData {
  const objects = readTlvs(octets);
  const connection = only(objects, 0x84);
  const security = only(objects, 0x85);
  const retry = only(objects, 0x86);
  const http = only(objects, 0x89);
  if (security !== undefined && only(objects, 0xa5) !== undefined) {
    throw malformed("security parameters (85) and extended security parameters (A5) exclude each other");
  }
  return {
    ...withoutUndefined({ connection: connection?.value }),
    ...(security !== undefined && { security: readSecurity(security.value) }),
    ...(retry !== undefined && { retry: readRetry(retry.value) }),
    ...(http !== undefined && readHttp(http.value)),
  };
}

/** Address and port of the server that connection objects name. TS 102 223 §8.58, §8.59 */
export function serverOf(connection: Uint8Array | undefined): { readonly address?: string; readonly port?: number } {
  const objects = connection === undefined ? [] : readCatTlvs(connection);
  const address = addressText(catValue(objects, 0x3e));
  const [, high, low] = catValue(objects, 0x3c) ?? [];
  return {
    ...withoutUndefined({ address }),
    ...(high !== undefined && low !== undefined && { port: (high << 8) | low }),
  };
}

function readSecurity(octets: Uint8Array): NonNullable<SessionData["security"]> {
  const identityLength = octets[0] ?? 0;
  const identity = octets.subarray(1, 1 + identityLength);
  const [keyLength, kvn, keyId] = octets.subarray(1 + identityLength);
  if (keyLength !== 2 || kvn === undefined || keyId === undefined) {
    throw malformed("security parameters (85) need a PSK identity and two octets of key reference");
  }
  return { pskIdentity: text(identity), kvn, keyId };
}

function readRetry(octets: Uint8Array): NonNullable<SessionData["retry"]> {
  const [high, low, tag, length, hours, minutes, seconds] = octets;
  if (
    high === undefined ||
    low === undefined ||
    seconds === undefined ||
    length !== 3 ||
    ((tag ?? 0) & 0x7f) !== 0x25
  ) {
    throw malformed("the retry policy (86) needs a counter and a timer value");
  }
  const delay = digits(hours) * 3600 + digits(minutes) * 60 + digits(seconds);
  return { attempts: (high << 8) | low, delayMs: delay * 1000 };
}

function readHttp(octets: Uint8Array): Pick<SessionData, "host" | "agentId" | "uri"> {
  const objects = readTlvs(octets);
  const of = (tag: number) => {
    const found = only(objects, tag);
    return found === undefined ? undefined : text(found.value);
  };
  const [host, agentId, uri] = [of(0x8a), of(0x8b), of(0x8c)];
  return withoutUndefined({ host, agentId, uri });
}

/** Two digits with their nibbles swapped. TS 102 223 §8.38 */
function digits(octet = 0): number {
  const [tens, units] = [octet & 0x0f, octet >> 4];
  if (tens > 9 || units > 9) throw malformed("a timer value has digits in swapped nibbles");
  return tens * 10 + units;
}

/** IPv4 (type 21) or IPv6 (type 57) address. TS 102 223 §8.58 */
function addressText(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const octets = value.subarray(1);
  if (value[0] === 0x21 && octets.length === 4) return octets.join(".");
  if (value[0] !== 0x57 || octets.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => ((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0));
  return groups.map((group) => group.toString(16)).join(":");
}

function only(objects: readonly Tlv[], tag: number): Tlv | undefined {
  const found = objects.filter((object) => object.tag === tag);
  if (found.length > 1) throw malformed(`tag ${tag.toString(16).toUpperCase()} appears twice`);
  return found[0];
}

function text(octets: Uint8Array): string {
  return Buffer.from(octets).toString("utf8");
}

function malformed(message: string): GatewayError {
  return new GatewayError("scp81.protocol", message);
}
