import type { Tlv } from "../../kit/ber.ts";
import type { Codec } from "../../kit/codec.ts";
import type { Aid } from "../aid.ts";
import type { Eid } from "../eid.ts";

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
export const integer: Codec<number> = {
  read: (from) => from.uint(Math.min(from.remaining, 6), "integer"),
  write: (to, value) => {
    const octets = Math.max(1, Math.ceil(Math.log2(value + 1) / 8));
    to.uint(value, octets);
  },
};

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
