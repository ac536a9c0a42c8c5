import type { Address } from "../codec/smpp/bodies.ts";
import type { MessageState } from "../codec/smpp/message-state.ts";

/** A message that an SMPP client submitted; its work is a job. */
export interface SmscMessage {
  readonly id: string;
  readonly client: string;
  readonly job: string;
  readonly target: string;
  readonly source: Address;
  readonly destination: Address;
  readonly receipt: "never" | "always" | "on-failure" | "on-success";
  readonly intermediate: boolean;
  readonly userMessageReference?: number;
  readonly state: MessageState;
  readonly error: number;
  readonly submittedAt: number;
  readonly finalAt?: number;
}

/** Which client a target talks with, and under which addresses: the latest one that wrote to it. */
export interface SmscConversation {
  readonly target: string;
  readonly client: string;
  /** The client's side of the conversation. */
  readonly theirs: Address;
  /** The card's side. */
  readonly ours: Address;
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
      readonly error?: string;
    }
);

export interface SmscRepository {
  insertMessage(message: SmscMessage): Promise<void>;
  message(id: string): Promise<SmscMessage | undefined>;
  messageOfJob(job: string): Promise<SmscMessage | undefined>;
  /** Messages of the client to the target that have no final state, oldest first. */
  openMessages(client: string, target: string): Promise<SmscMessage[]>;
  settle(id: string, state: MessageState, error: number, finalAt: number | undefined): Promise<void>;
  putConversation(conversation: SmscConversation): Promise<void>;
  conversation(target: string): Promise<SmscConversation | undefined>;
  post(client: string, item: SmscOutboxItem, at: number): Promise<void>;
  pull(client: string, limit: number): Promise<SmscOutboxItem[]>;
  /** False when it was not there. */
  drop(client: string, id: string): Promise<boolean>;
}
