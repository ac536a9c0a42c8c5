import { readPskIdentity } from "../../codec/gp/psk-identity.ts";

/** Facts about a PSK identity. */
export interface PskEntry {
  readonly psk: Uint8Array;
  /** Whose it is. */
  readonly target: string;
  /** The EID that the agent id has to name; an SGP.02 identity brings its own. */
  readonly eid?: string;
  /** Agent id, verbatim, of a card that does not name its EID there. */
  readonly agentId?: string;
  /** Other names that are known of the card, its ICCIDs among them: any of them will do. */
  readonly agentIds?: readonly string[];
  /** Framing of bodies to this card; absent = as the server does by default. */
  readonly framing?: "chunked" | "length";
}

/**
 * Where keys come from. `resident`: at hand, at no more than a look into memory. `remote`: anywhere; the handshake is
 * held at the message that names the identity until the answer is there, which costs about a third more CPU.
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
 * Completes an entry with the EID that its identity names; an entry of another EID is not an answer to that identity,
 * wherever it came from.
 */
function withEid(identity: string, entry: PskEntry): PskEntry | undefined {
  const eid = readPskIdentity(identity)?.eid;
  if (eid === undefined || eid === entry.eid) return entry;
  return entry.eid === undefined ? { ...entry, eid } : undefined;
}

/** Looks an identity up in keys at hand: as it stands, then in the upper-case form of SGP.02. */
export function findPsk(find: (identity: string) => PskEntry | undefined, identity: string): PskEntry | undefined {
  const entry = find(identity) ?? lazily(() => otherSpelling(identity), find);
  return entry && withEid(identity, entry);
}

function lazily<T>(text: () => string | undefined, then: (text: string) => T): T | undefined {
  const found = text();
  return found === undefined ? undefined : then(found);
}

/** Looks an identity up wherever keys are, in the same spellings. */
export async function lookUpPsk(
  lookup: (identity: string) => Promise<PskEntry | undefined>,
  identity: string,
): Promise<PskEntry | undefined> {
  const entry = (await lookup(identity)) ?? (await lazily(() => otherSpelling(identity), lookup));
  return entry && withEid(identity, entry);
}
