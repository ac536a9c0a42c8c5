/** What happened, for those who watch: durable, numbered, in order. */
export interface GatewayEvent {
  /** Position in the log; Last-Event-ID of the event stream. */
  readonly seq: number;
  /** When, milliseconds. */
  readonly at: number;
  /** `job.queued`, `job.done`, `notification.received`, `target.changed`, `procedure.switched` … */
  readonly type: string;
  readonly target?: string;
  readonly job?: string;
  /** Facts; never keys. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventRepository {
  append(event: Omit<GatewayEvent, "seq">): Promise<number>;
  after(seq: number, limit: number): Promise<GatewayEvent[]>;
  /** Number of the last event that was ever appended, kept or not; 0 before the first. */
  last(): Promise<number>;
  /** Number of the oldest event that is kept; of the next one when none is. */
  first(): Promise<number>;
}
