import { codecError } from "../../base/gateway-error.ts";
import { NetworkAccessName } from "../cat/bearer.ts";
import { CatObjects } from "../cat/object.ts";
import { type Codec, decode, encode, type Of } from "../kit/codec.ts";
import { mapped, record, rest, sized, u8, u16 } from "../kit/primitives.ts";
import { many, maybe, template, tlv } from "../kit/template.ts";
import { TimerValue } from "./timer-value.ts";

/** Octets as UTF-8 text. */
const text: Codec<string> = mapped(
  rest,
  (octets) => Buffer.from(octets).toString("utf8"),
  (value) => Buffer.from(value, "utf8"),
);

const hash: Codec<number | undefined> = {
  read: (from) => (from.ended ? undefined : from.u8("hash")),
  write: (to, value) => {
    if (value !== undefined) to.u8(value);
  },
};

/** PSK identity, key version and identifier; the hash octet exists for TLS 1.3 only. GP Amendment B §3.8.2 */
export const SecurityParameters = record({
  pskIdentity: sized(u8, rest),
  key: sized(u8, record({ version: u8, id: u8 })),
  hash,
});
export type SecurityParameters = Of<typeof SecurityParameters>;

/** Reconnections and the seconds between them; the failure report is kept as it is. GP Amendment B §3.8.3 */
const RetryPolicy = record({ attempts: u16, delaySeconds: TimerValue, failureReport: rest });

/** Administration host, agent id and URI. GP Amendment B §3.8.4 to §3.8.6 */
const HttpParameters = template({
  host: maybe(tlv(0x8a, text)),
  agentId: maybe(tlv(0x8b, text)),
  uri: maybe(tlv(0x8c, text)),
});

const sessionMembers = {
  connection: maybe(tlv(0x84, CatObjects)),
  security: maybe(tlv(0x85, SecurityParameters)),
  extendedSecurity: maybe(tlv(0xa5, template({ each: many(tlv(0x85, SecurityParameters)) }))),
  retry: maybe(tlv(0x86, RetryPolicy)),
  http: maybe(tlv(0x89, HttpParameters)),
};

/** What a session is opened with (value of tag `83`); `85` and `A5` exclude each other. GP Amendment B §3.7 */
export const SessionParameters = exclusive(template(sessionMembers));
export type SessionParameters = Of<typeof SessionParameters>;

const delay = record({ attempts: u16, delaySeconds: TimerValue });

/** What a security domain stores for its sessions (value of `85` or `A5` in STORE DATA). GP Amendment B table 3-4 */
export const StoredSessionParameters = exclusive(
  template({
    ...sessionMembers,
    addressRetry: maybe(tlv(0x8a, delay)),
    inactivitySeconds: maybe(tlv(0x8b, TimerValue)),
  }),
);
export type StoredSessionParameters = Of<typeof StoredSessionParameters>;

/** A name as labels and the root's zero octet, which may be missing. RFC 1035 §3.1 */
const qname: Codec<string> = {
  read: (from) => {
    const offset = from.offset;
    const octets = from.rest();
    return decode(NetworkAccessName, octets.at(-1) === 0 ? octets.subarray(0, -1) : octets, offset);
  },
  write: (to, value) => void to.bytes(encode(NetworkAccessName, value.replace(/\.$/, ""))).u8(0),
};

/** Resolution of the server's name, in a trigger (value of `B3`). GP Amendment B §3.11 */
export const DnsParameters = template({
  fqdn: maybe(tlv(0xd6, qname)),
  connection: maybe(tlv(0xfa, CatObjects)),
});
export type DnsParameters = Of<typeof DnsParameters>;

function exclusive<T extends { readonly security?: unknown; readonly extendedSecurity?: unknown }>(
  inner: Codec<T>,
): Codec<T> {
  const check = (value: T, offset: number): T => {
    if (value.security !== undefined && value.extendedSecurity !== undefined) {
      throw codecError("codec.tag", "security parameters (85) and extended ones (A5) together", offset, {
        field: "security",
      });
    }
    return value;
  };
  return {
    read: (from) => {
      const offset = from.offset;
      return check(inner.read(from), offset);
    },
    write: (to, value) => inner.write(to, check(value, to.length)),
  };
}
