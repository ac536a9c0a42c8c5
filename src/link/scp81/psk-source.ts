import { readPskIdentity } from "../../codec/gp/psk-identity.ts";

/** Facts about a PSK identity. */
export interface PskEntry {
  readonly psk: Uint8Array;
  /** The target that has the identity. */
  readonly target: string;
  /** The EID that the agent id must contain; an SGP.02 identity contains it itself. */
  readonly eid?: string;
  /** Agent id, verbatim, of a card whose agent id does not contain its EID. */
  readonly agentId?: string;
  /** Other identifiers of the card, such as its ICCIDs, each of which is accepted. */
  readonly agentIds?: readonly string[];
  /** Framing of bodies to this card; absent = as the server does by default. */
  readonly framing?: "chunked" | "length";
}

/**
 * The source of keys. `resident`: in memory. `remote`: elsewhere; the handshake is held at the message with the
 * identity until the answer has arrived, which costs about a third more CPU.
 */
export type PskSource =
  | { readonly kind: "resident"; readonly find: (identity: string) => PskEntry | undefined }
  | { readonly kind: "remote"; readonly lookup: (identity: string) => Promise<PskEntry | undefined> };

/** The upper-case form of an SGP.02 identity that was written otherwise; undefined when there is none. */
function otherSpelling(identity: string): string | undefined {
  const upper = identity.toUpperCase();
  return upper !== identity && readPskIdentity(upper) !== undefined ? upper : undefined;
}

/**
 * Completes an entry with the EID that its identity contains; an entry of another EID is rejected.
 */
function withEid(identity: string, entry: PskEntry): PskEntry | undefined {
  const eid = readPskIdentity(identity)?.eid;
  if (eid === undefined || eid === entry.eid) return entry;
  return entry.eid === undefined ? { ...entry, eid } : undefined;
}

/** Looks an identity up among the keys in memory: unchanged, then in the upper-case form of SGP.02. */
export function findPsk(find: (identity: string) => PskEntry | undefined, identity: string): PskEntry | undefined {
  const entry = find(identity) ?? lazily(() => otherSpelling(identity), find);
  return entry && withEid(identity, entry);
}

function lazily<T>(text: () => string | undefined, then: (text: string) => T): T | undefined {
  const found = text();
  return found === undefined ? undefined : then(found);
}

/** Looks an identity up in any key source, in the same spellings. */
export async function lookUpPsk(
  lookup: (identity: string) => Promise<PskEntry | undefined>,
  identity: string,
): Promise<PskEntry | undefined> {
  const entry = (await lookup(identity)) ?? (await lazily(() => otherSpelling(identity), lookup));
  return entry && withEid(identity, entry);
}
