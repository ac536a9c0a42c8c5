import { pskIdentityText, readPskIdentity } from "../../codec/gp/psk-identity.ts";

/** What is known of a PSK identity. */
export interface PskEntry {
  readonly psk: Uint8Array;
  /** Whose it is. */
  readonly target: string;
  /** The EID that the agent id has to name; an SGP.02 identity brings its own. */
  readonly eid?: string;
  /** Agent id, verbatim, of a card that does not name its EID there. */
  readonly agentId?: string;
  /** How this card wants bodies; absent = as the server does by default. */
  readonly framing?: "chunked" | "length";
}

/**
 * Where keys come from. `resident`: at hand, at no more than a look into memory. `remote`: anywhere; the handshake is
 * held at the message that names the identity until the answer is there, which costs about a third more CPU.
 */
export type PskSource =
  | { readonly kind: "resident"; readonly find: (identity: string) => PskEntry | undefined }
  | { readonly kind: "remote"; readonly lookup: (identity: string) => Promise<PskEntry | undefined> };

/** The spellings to look an identity up by: as it stands, then the upper-case form of SGP.02. */
export function identitySpellings(identity: string): string[] {
  const euicc = readPskIdentity(identity);
  if (euicc === undefined) return [identity];
  const canonical = pskIdentityText(euicc);
  return canonical === identity ? [identity] : [identity, canonical];
}

/** Completes an entry with the EID that its identity names. */
export function withEid(identity: string, entry: PskEntry): PskEntry {
  const eid = entry.eid ?? readPskIdentity(identity)?.eid;
  return eid === undefined ? entry : { ...entry, eid };
}

/** Looks an identity up in keys at hand. */
export function findPsk(find: (identity: string) => PskEntry | undefined, identity: string): PskEntry | undefined {
  for (const spelling of identitySpellings(identity)) {
    const entry = find(spelling);
    if (entry !== undefined) return withEid(identity, entry);
  }
  return undefined;
}

/** Looks an identity up wherever keys are. */
export async function lookUpPsk(
  lookup: (identity: string) => Promise<PskEntry | undefined>,
  identity: string,
): Promise<PskEntry | undefined> {
  for (const spelling of identitySpellings(identity)) {
    const entry = await lookup(spelling);
    if (entry !== undefined) return withEid(identity, entry);
  }
  return undefined;
}
