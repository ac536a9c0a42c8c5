import type { TargetId } from "../../base/id.ts";
import type { InboundItem } from "../../link/sms-bearer.ts";

/** A short message or receipt as a link brought it; stored before the link acknowledges it. */
export interface InboxEntry {
  readonly seq: number;
  readonly id: string;
  readonly link: string;
  /** Given if the link leads to one card only. */
  readonly target?: TargetId;
  readonly item: InboundItem;
  /** `new` until processed; `held` = a segment waiting for the others. */
  readonly state: "new" | "held" | "done";
  /** What it was recognized as, as text. */
  readonly verdict?: string;
  readonly receivedAt: number;
}

/** An item that a link received, with its origin as far as it is known. */
export type ArrivedItem = Omit<InboxEntry, "seq" | "state" | "verdict">;

export interface InboxRepository {
  insert(entry: Omit<InboxEntry, "seq">): Promise<void>;
  get(id: string): Promise<InboxEntry | undefined>;
  /** Not processed yet, oldest first. */
  pending(limit: number): Promise<InboxEntry[]>;
  held(link: string, since: number): Promise<InboxEntry[]>;
  finish(ids: readonly string[], state: "held" | "done", verdict: string): Promise<void>;
  list(before: number | undefined, limit: number): Promise<InboxEntry[]>;
}

/** A message with all its segments. */
export interface ReassembledMessage {
  readonly security?: "command" | "response";
  readonly body: Uint8Array;
  readonly userData: readonly Uint8Array[];
}
