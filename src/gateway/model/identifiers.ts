/**
 * Identifiers of records, as `newId` makes them: their prefixes keep the kinds apart. Records carry them; a look-up
 * takes any text.
 */
export type JobId = `job_${string}`;
export type TargetId = `tgt_${string}`;
export type PacketId = `pkt_${string}`;
export type NotificationId = `ntf_${string}`;
export type SwitchId = `prc_${string}`;
export type CampaignId = `cmp_${string}`;
export type DownloadId = `dld_${string}`;

/** Prefixes of the records whose identifiers a client may abbreviate: job, profile switch, notification, campaign, target, download. */
export const abbreviable = ["job", "prc", "ntf", "cmp", "tgt", "dld"] as const;
export type Abbreviable = (typeof abbreviable)[number];

/** Finds records by the beginning of their identifiers. */
export interface IdentifierRepository {
  /** Identifiers of this kind that begin with `beginning`, in order, at most {@link maxIdentifiers}. */
  startingWith(kind: Abbreviable, beginning: string): Promise<string[]>;
}

/** Identifiers that a look-up answers at most: enough to see that a beginning is ambiguous. */
export const maxIdentifiers = 5;
