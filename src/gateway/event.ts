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
  last(): Promise<number>;
}
