import type { OutboxEntry } from "../model/outbox.ts";

/** The delivery status of an upstream, for display. */
export interface UpstreamView {
  readonly name: string;
  /** What it is used for. */
  readonly webhook: boolean;
  readonly pull: boolean;
  readonly proxy: boolean;
  readonly keyLookup: boolean;
  /** Events that wait for delivery. */
  readonly queued: number;
  /** Events that were abandoned. */
  readonly dead: number;
  readonly delivered: number;
  readonly failures: number;
  readonly lastError?: string;
  readonly lastSuccessAt?: number;
}

/** Operations on upstreams, for the faces. */
export interface UpstreamControl {
  list(): Promise<UpstreamView[]>;
  /** Dead letters, oldest first. @throws upstream.unknown */
  dead(name: string, after: number, limit: number): Promise<OutboxEntry[]>;
  /** Sends dead letters again, all or one; returns how many. @throws upstream.unknown */
  replay(name: string, id: string | undefined): Promise<number>;
  /** Drops dead letters, all or one; returns how many. @throws upstream.unknown */
  discard(name: string, id: string | undefined): Promise<number>;
}
