/** How long finished records are kept, in milliseconds; indefinitely if absent. */
export interface Retention {
  /** Ended jobs with their packets and messages, ended profile switches, settled notifications, processed inbox items. */
  readonly jobsMs?: number;
  readonly eventsMs?: number;
  readonly auditMs?: number;
}

/** The shortest period allowed: longer than repetitions are detected and segments are reassembled. */
export const minRetentionMs = 3_600_000;

/** Kinds of records, in the order in which they are pruned. */
export const retainedKinds = ["procedures", "jobs", "messages", "notifications", "inbox", "events", "audit"] as const;
export type RetainedKind = (typeof retainedKinds)[number];

/** The period that each kind of record follows. */
export const periodOf: Readonly<Record<RetainedKind, keyof Retention>> = {
  procedures: "jobsMs",
  jobs: "jobsMs",
  messages: "jobsMs",
  notifications: "jobsMs",
  inbox: "jobsMs",
  events: "eventsMs",
  audit: "auditMs",
};

/** Tables whose records are counted. */
export const countedKinds = [...retainedKinds, "packets", "packetParts", "segments"] as const;
/** How many records of each table; tables without any may be missing. */
export type PruneCounts = Readonly<Partial<Record<(typeof countedKinds)[number], number>>>;

/** The next records of a kind, as examined. */
export interface PrunePage {
  /** Positions of the records that may be removed. */
  readonly positions: readonly number[];
  /** Where to continue; absent when nothing that is old enough follows. */
  readonly next?: number;
}

export interface StoreSize {
  readonly bytes: number;
  /** Unused octets of the file: by so much it could shrink. */
  readonly freeBytes: number;
}

export interface RetentionRepository {
  /** Examines `limit` records after a position, oldest first. A record that was still in use at `before` stays. */
  page(kind: RetainedKind, before: number, after: number, limit: number): Promise<PrunePage>;
  /** Counts these records and what belongs to them. */
  count(kind: RetainedKind, positions: readonly number[]): Promise<PruneCounts>;
  /** Removes these records and what belongs to them. */
  remove(kind: RetainedKind, positions: readonly number[]): Promise<PruneCounts>;
  /** Time of the oldest event that one of these upstreams has not read from the log. */
  firstUntaken(upstreams: readonly string[]): Promise<number | undefined>;
  size(): Promise<StoreSize>;
}

/** The sum of two counts. */
export function addCounts(one: PruneCounts, other: PruneCounts): PruneCounts {
  const sum: Partial<Record<(typeof countedKinds)[number], number>> = { ...one };
  for (const kind of countedKinds) {
    const more = other[kind] ?? 0;
    if (more > 0) sum[kind] = (sum[kind] ?? 0) + more;
  }
  return sum;
}
