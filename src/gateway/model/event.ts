import type { JobId, TargetId } from "../../base/id.ts";
import type { EventData, EventType } from "./event-catalogue.ts";

/** Something that happened, as reported to clients: durable, numbered, in order. */
export interface GatewayEvent {
  /** Position in the log; Last-Event-ID of the event stream. */
  readonly seq: number;
  /** When it happened, ms. */
  readonly at: number;
  /** A type of the catalogue; a log may also hold types of other versions. */
  readonly type: string;
  readonly target?: TargetId;
  readonly job?: JobId;
  /** Facts; never keys. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Meaning of an event: its data are those of its type. */
export type EventFacts = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType];

/** An event to be appended. */
export type NewEvent = Omit<GatewayEvent, "seq" | "type" | "data"> & EventFacts;

export interface EventRepository {
  /** Appended, numbered and readable with the commit of its unit of work. */
  append(event: NewEvent): Promise<void>;
  after(seq: number, limit: number): Promise<GatewayEvent[]>;
  /** Number of the last event that was ever appended, kept or not; 0 before the first. */
  last(): Promise<number>;
  /** Number of the oldest event that is kept; of the next one when none is. */
  first(): Promise<number>;
}
