/** An event that is being delivered to an upstream. The body is created once: every attempt sends the same octets. */
export interface OutboxEntry {
  /** Order within everything that goes to this upstream. */
  readonly seq: number;
  /** Stable id; the upstream recognizes repetitions by it. */
  readonly id: string;
  readonly upstream: string;
  /** Target, or "" for events without one: entries of one lane are delivered one after the other. */
  readonly lane: string;
  readonly type: string;
  readonly body: string;
  readonly attempts: number;
  readonly notBefore: number;
  readonly createdAt: number;
  /** Why the last attempt failed, as text. */
  readonly error?: string;
  /** When it was abandoned: only a replay sends it again. */
  readonly deadAt?: number;
}

interface OutboxCounts {
  readonly upstream: string;
  readonly queued: number;
  readonly dead: number;
}

export interface OutboxRepository {
  /** Random name of this store, so that ids of different gateways differ. */
  instance(): Promise<string>;
  /** Position in the event log up to which this upstream's entries were made. */
  cursor(upstream: string): Promise<number | undefined>;
  moveCursor(upstream: string, seq: number): Promise<void>;
  /** Ignores an id that exists already. */
  insert(entry: Omit<OutboxEntry, "seq" | "attempts">): Promise<void>;
  /** Lanes with queued entries. */
  lanes(upstream: string): Promise<string[]>;
  /** The next entry of a lane. */
  head(upstream: string, lane: string): Promise<OutboxEntry | undefined>;
  delivered(seq: number): Promise<void>;
  retry(seq: number, attempts: number, notBefore: number, error: string): Promise<void>;
  bury(seq: number, attempts: number, at: number, error: string): Promise<void>;
  /** Dead entries, oldest first, after the given seq. */
  dead(upstream: string, after: number, limit: number): Promise<OutboxEntry[]>;
  /** Queues dead entries again, at their old place: all, or the one of this id. Returns how many. */
  replay(upstream: string, id: string | undefined): Promise<number>;
  /** Drops dead entries: all, or the one of this id. Returns how many. */
  discard(upstream: string, id: string | undefined): Promise<number>;
  queued(upstream: string): Promise<number>;
  counts(): Promise<OutboxCounts[]>;
}
