import { readTlvs, type Tlv } from "../kit/ber.ts";
import { type Codec, decode, type Of, Reader } from "../kit/codec.ts";
import { rest } from "../kit/primitives.ts";
import { many, maybe, template, tlv } from "../kit/template.ts";
import { type Aid, aidFromOctets } from "./aid.ts";
import { type Eid, eidFromOctets } from "./eid.ts";
import type { Es5Name } from "./es5.ts";

/** Life-cycle states of an ISD-P. SGP.02 §2.2.1.3 */
const lifeCycles: Readonly<Record<number, string>> = {
  3: "INSTALLED",
  7: "SELECTABLE",
  15: "PERSONALIZED",
  31: "DISABLED",
  63: "ENABLED",
};

/** Name of an ISD-P's life-cycle octet; undefined when it is none of SGP.02. */
export function lifeCycleName(octet: number): string | undefined {
  return lifeCycles[octet];
}

/** An unsigned integer of whatever length (1 to 6 octets). */
const integer: Codec<number> = {
  read: (from) => from.uint(Math.min(from.remaining, 6), "integer"),
  write: (to, value) => {
    const octets = Math.max(1, Math.ceil(Math.log2(value + 1) / 8));
    to.uint(value, octets);
  },
};

const statusEntry = template({
  aid: maybe(tlv(0x4f, rest)),
  lifeCycle: maybe(tlv(0x9f70, integer)),
  attributes: maybe(tlv(0x53, integer)),
  grantedMemory: maybe(tlv(0x8f, integer)),
  remainingMemory: maybe(tlv(0x91, integer)),
  privileges: maybe(tlv(0xc5, rest)),
  loadFile: maybe(tlv(0xc4, rest)),
  associatedSd: maybe(tlv(0xcc, rest)),
  module: maybe(tlv(0x84, rest)),
  version: maybe(tlv(0xce, rest)),
});

/**
 * Answer of GET STATUS: one `E3` per security domain or application.
 * GP Card Specification §11.4.3.1, SGP.02 §4.1.1.5
 */
export const StatusAnswer = template({ entries: many(tlv(0xe3, statusEntry)) });
export type StatusAnswer = Of<typeof StatusAnswer>;

/** One ISD-P (or other security domain) of an audit. */
export interface AuditedDomain {
  readonly aid?: Aid;
  readonly state?: string;
  readonly lifeCycle?: number;
  readonly fallback?: boolean;
  /** Octets. */
  readonly grantedMemory?: number;
  readonly remainingMemory?: number;
}

/** Free resources of the card. ETSI TS 102 226 §8.2.1.7.2 */
export interface CardResources {
  readonly applications?: number;
  readonly freeNonVolatile?: number;
  readonly freeVolatile?: number;
}

/** One key of a key information template. GP Card Specification §11.3.3.1 */
export interface KeyInformation {
  readonly id: number;
  readonly kvn: number;
  readonly components: readonly { readonly type: number; readonly length: number }[];
}

/** The data a function answered, by what it means. */
export type Es5Answer =
  | { readonly kind: "domains"; readonly domains: readonly AuditedDomain[] }
  | { readonly kind: "resources"; readonly resources: CardResources }
  | { readonly kind: "eid"; readonly eid: Eid }
  | { readonly kind: "keys"; readonly keys: readonly KeyInformation[] }
  | { readonly kind: "counter"; readonly counter: Uint8Array }
  | { readonly kind: "forwarded"; readonly objects: readonly Pick<Tlv, "tag" | "value">[] }
  | { readonly kind: "confirmed"; readonly deleted: readonly Aid[] }
  | { readonly kind: "challenge"; readonly challenge: Uint8Array }
  | { readonly kind: "receipt"; readonly receipt: Uint8Array; readonly derivationRandom?: Uint8Array }
  | { readonly kind: "done"; readonly data: Uint8Array };

function domains(data: Uint8Array, offset: number): Es5Answer {
  const { entries } = decode(StatusAnswer, data, offset);
  return {
    kind: "domains",
    domains: entries.map((entry) => ({
      ...(entry.aid === undefined ? {} : { aid: aidFromOctets(entry.aid, offset) }),
      ...(entry.lifeCycle === undefined ? {} : stateOf(entry.lifeCycle)),
      ...(entry.attributes === undefined ? {} : { fallback: (entry.attributes & 0x01) !== 0 }),
      ...(entry.grantedMemory === undefined ? {} : { grantedMemory: entry.grantedMemory }),
      ...(entry.remainingMemory === undefined ? {} : { remainingMemory: entry.remainingMemory }),
    })),
  };
}

function stateOf(lifeCycle: number): { lifeCycle: number; state?: string } {
  const state = lifeCycleName(lifeCycle);
  return state === undefined ? { lifeCycle } : { lifeCycle, state };
}

const extendedResources = template({
  applications: maybe(tlv(0x81, integer)),
  freeNonVolatile: maybe(tlv(0x82, integer)),
  freeVolatile: maybe(tlv(0x83, integer)),
});

function resources(data: Uint8Array, offset: number): Es5Answer {
  const { applications, freeNonVolatile, freeVolatile } = decode(
    template({ resources: tlv(0xff21, extendedResources) }),
    data,
    offset,
  ).resources;
  return {
    kind: "resources",
    resources: {
      ...(applications === undefined ? {} : { applications }),
      ...(freeNonVolatile === undefined ? {} : { freeNonVolatile }),
      ...(freeVolatile === undefined ? {} : { freeVolatile }),
    },
  };
}

function keys(data: Uint8Array, offset: number): Es5Answer {
  const { entries } = decode(template({ entries: tlv(0xe0, template({ keys: many(tlv(0xc0, rest)) })) }), data, offset);
  return {
    kind: "keys",
    keys: entries.keys.map((octets) => {
      const from = new Reader(octets, offset);
      const [id, kvn] = [from.u8("key identifier"), from.u8("key version")];
      const components: { type: number; length: number }[] = [];
      while (!from.ended) components.push({ type: from.u8("key type"), length: from.u8("key length") });
      return { id, kvn, components };
    }),
  };
}

function deleted(data: Uint8Array, offset: number): Es5Answer {
  if (data.length === 0) return { kind: "confirmed", deleted: [] };
  const { list } = decode(template({ list: tlv(0x80, template({ aids: many(tlv(0x4f, rest)) })) }), data, offset);
  return { kind: "confirmed", deleted: list.aids.map((aid) => aidFromOctets(aid, offset)) };
}

function establishment(data: Uint8Array, offset: number): Es5Answer {
  const { first, receipt } = decode(
    template({ first: maybe(tlv(0x85, rest)), receipt: maybe(tlv(0x86, rest)) }),
    data,
    offset,
  );
  if (receipt !== undefined) {
    return { kind: "receipt", receipt, ...(first === undefined ? {} : { derivationRandom: first }) };
  }
  return first === undefined ? { kind: "done", data } : { kind: "challenge", challenge: first };
}

/**
 * What a function's answer data mean (without the status word). An empty answer is `done`: a card asked without Le
 * gives none. @throws codec.*
 */
export function es5Answer(name: Es5Name, data: Uint8Array, offset = 0): Es5Answer {
  if (name === "confirmNotification") return deleted(data, offset);
  if (data.length === 0) return { kind: "done", data };
  switch (name) {
    case "auditStatus":
      return domains(data, offset);
    case "auditResources":
      return resources(data, offset);
    case "auditEid": {
      const { eid } = decode(template({ eid: tlv(0x5a, rest) }), data, offset);
      return { kind: "eid", eid: eidFromOctets(eid, offset + 2) };
    }
    case "auditKeys":
      return keys(data, offset);
    case "auditCounter":
      return { kind: "counter", counter: decode(template({ counter: tlv(0xc1, rest) }), data, offset).counter };
    case "auditForwarded": {
      const { body } = decode(template({ body: tlv(0xbf30, rest) }), data, offset);
      return { kind: "forwarded", objects: readTlvs(body).map(({ tag, value }) => ({ tag, value })) };
    }
    case "establishISDRKeySet":
      return establishment(data, offset);
    default:
      return { kind: "done", data };
  }
}
