import type { JobId, TargetId } from "../../base/id.ts";
import type { Address } from "../../codec/smpp/bodies.ts";
import type { MessageState } from "../../codec/smpp/message-state.ts";
import type { NetworkVerdict } from "../../link/sms-bearer.ts";

/** A message that an SMPP client submitted; its work is a job, or one TP-UD of a job that carries several segments. */
export interface SmscMessage {
  readonly id: string;
  readonly client: string;
  /** Absent while it is a segment that waits for the others. */
  readonly job?: JobId;
  /** Which TP-UD of the job it is, from 0. A message that had to be cut has the whole job. */
  readonly position: number;
  readonly target: TargetId;
  readonly source: Address;
  readonly destination: Address;
  readonly receipt: "never" | "always" | "on-failure" | "on-success";
  readonly intermediate: boolean;
  readonly userMessageReference?: number;
  /** data_coding from the client; responses to the client have the same. */
  readonly dataCoding?: number;
  readonly state: MessageState;
  /** Network error, 0 without one. */
  readonly error: number;
  /** The network's last report, unchanged. */
  readonly network?: NetworkVerdict;
  readonly submittedAt: number;
  readonly validUntil: number;
  readonly finalAt?: number;
}

/** A segment of a message that waits for the others. */
export interface HeldSegment {
  readonly message: string;
  /** The same for all segments of one message: client, target, addresses, reference, count. */
  readonly messageOf: string;
  readonly sequence: number;
  readonly total: number;
  /** Its contents, for the job. */
  readonly body: SegmentBody;
  /** Time at which it is sent without the others. */
  readonly dueAt: number;
}

/** The parts of a segment that its job needs. */
export interface SegmentBody {
  readonly userData: Uint8Array;
  readonly protocolId: number;
  readonly dataCoding: number;
  /** A text with one octet per character. */
  readonly smppText?: boolean;
  readonly from?: string;
  readonly notBefore: number;
}

/** The conversation of a client with a target, with both addresses. */
export interface SmscConversation {
  readonly target: TargetId;
  readonly client: string;
  /** Digits of the client's side. */
  readonly number: string;
  /** The client's side of the conversation. */
  readonly theirs: Address;
  /** The card's side. */
  readonly ours: Address;
  /** data_coding the client uses for the card. */
  readonly dataCoding?: number;
  readonly at: number;
}

/** Something that waits for a client. */
export type SmscOutboxItem = {
  readonly id: string;
  readonly source: Address;
  readonly destination: Address;
  readonly userMessageReference?: number;
} & (
  | {
      readonly kind: "message";
      readonly userData: Uint8Array;
      readonly userDataHeader: boolean;
      readonly protocolId: number;
      readonly dataCoding: number;
    }
  | {
      readonly kind: "receipt";
      readonly messageId: string;
      readonly state: MessageState;
      readonly intermediate: boolean;
      readonly submittedAt: number;
      readonly doneAt: number;
      /** `err:` of its text. */
      readonly error?: string;
      readonly networkError?: NonNullable<NetworkVerdict["networkError"]>;
    }
);

/** A message's new state. */
type SmscSettlement = Pick<SmscMessage, "state" | "error" | "network" | "finalAt">;

export interface SmscRepository {
  insertMessage(message: SmscMessage): Promise<void>;
  message(id: string): Promise<SmscMessage | undefined>;
  /** In order of their positions. */
  messagesOfJob(job: JobId): Promise<SmscMessage[]>;
  /** Messages of the client to the target that wait for other segments or whose job is open, oldest first. */
  openMessages(client: string, target: TargetId): Promise<SmscMessage[]>;
  /** Messages without a final state whose validity ended before. */
  overdue(validUntil: number, limit: number): Promise<SmscMessage[]>;
  /** The message becomes this TP-UD of a job. */
  place(id: string, job: JobId, position: number): Promise<void>;
  /** Changes a message's state; with `validUntil`, also how long it is waited for. */
  changeState(id: string, change: SmscSettlement, validUntil?: number): Promise<void>;
  hold(segment: HeldSegment): Promise<void>;
  /** Waiting segments of one message, by sequence number and then in order of arrival. */
  held(messageOf: string): Promise<HeldSegment[]>;
  /** One segment of each message that has waited long enough. */
  dueSegments(now: number): Promise<HeldSegment[]>;
  nextDue(): Promise<number | undefined>;
  /** False when it did not wait. */
  release(message: string): Promise<boolean>;
  putConversation(conversation: SmscConversation): Promise<void>;
  /** The latest conversation of the target, one under this number of the client's side before all others. */
  conversation(target: TargetId, number: string | undefined): Promise<SmscConversation | undefined>;
  post(client: string, item: SmscOutboxItem, at: number): Promise<void>;
  pull(client: string, limit: number): Promise<SmscOutboxItem[]>;
  /** False if there was no such item. */
  drop(client: string, id: string): Promise<boolean>;
  /** Number of waiting items for each client. */
  depths(): Promise<Readonly<Record<string, number>>>;
}
