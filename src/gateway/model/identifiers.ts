/** Prefixes of the records whose identifiers a client may abbreviate: job, profile switch, notification, campaign, target. */
export const abbreviable = ["job", "prc", "ntf", "cmp", "tgt"] as const;
export type Abbreviable = (typeof abbreviable)[number];

/** Finds records by the beginning of their identifiers. */
export interface IdentifierRepository {
  /** Identifiers of this kind that begin with `beginning`, in order, at most {@link maxIdentifiers}. */
  startingWith(kind: Abbreviable, beginning: string): Promise<string[]>;
}

/** Identifiers that a look-up answers at most: enough to see that a beginning is ambiguous. */
export const maxIdentifiers = 5;
