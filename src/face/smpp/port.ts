import type { Address } from "../../codec/smpp/bodies.ts";
import type { MessagingMode } from "../../codec/smpp/esm-class.ts";
import type { MessageState } from "../../codec/smpp/message-state.ts";

/** One submitted message, as the SMSC face passes it to the gateway: unchanged and not reassembled. */
export interface SmscSubmission {
  /** system_id of the client, which owns the conversation and its responses. */
  readonly client: string;
  /** Destination digits without `+`: an MSISDN, or an alias of a target (ICCID, EID). */
  readonly to: string;
  readonly from?: string;
  /** Both addresses as the client wrote them; responses carry them swapped. */
  readonly source: Address;
  readonly destination: Address;
  /**
   * TP-UD octet for octet. One entry; several when a message_payload was too long for one short message: then they are
   * the whole message, cut as an SMSC cuts it.
   */
  readonly userData: readonly Uint8Array[];
  readonly userDataHeader: boolean;
  readonly protocolId: number;
  /** data_coding as the client wrote it; responses to the client have the same. */
  readonly dataCoding: number;
  /** The corresponding TP-DCS. */
  readonly tpDcs: number;
  /** This is one segment of several, which arrive in any order, perhaps twice, each in a submission of its own. */
  readonly segment?: {
    readonly reference: number;
    readonly referenceBits: 8 | 16;
    readonly total: number;
    readonly sequence: number;
  };
  /** Wall clock, milliseconds; absent = the gateway's default. */
  readonly validUntil?: number;
  readonly notBefore?: number;
  readonly receipt: "never" | "always" | "on-failure" | "on-success";
  readonly intermediateReceipt: boolean;
  readonly mode: MessagingMode;
  /** TLV user_message_reference: given back in receipts. */
  readonly userMessageReference?: number;
}

/** The state of a message, as a client can query it. */
export interface SmscMessageStatus {
  readonly state: MessageState;
  /** When it reached a final state, wall clock. */
  readonly finalAt?: number;
  /** Network error, 0 without one. */
  readonly error: number;
}

interface Delivery {
  /** Durable id; the face returns it once the client has the item. */
  readonly id: string;
  /** As delivered to the client: source is the card's side, destination the client's. */
  readonly source: Address;
  readonly destination: Address;
  readonly userMessageReference?: number;
}

/** An item for a client: a message from a card (a proof of receipt, any MO), or a receipt. */
export type SmscDelivery =
  | (Delivery & {
      readonly kind: "message";
      readonly userData: Uint8Array;
      readonly userDataHeader: boolean;
      readonly protocolId: number;
      readonly dataCoding: number;
    })
  | (Delivery & {
      readonly kind: "receipt";
      /** `messageId` that {@link SmscFacePort.submit} gave. */
      readonly messageId: string;
      readonly state: MessageState;
      readonly intermediate: boolean;
      readonly submittedAt: number;
      readonly doneAt: number;
      /** Network error for `err:`, three characters or what the network below wrote there. */
      readonly error?: string;
      /** Type of network and code for TLV network_error_code. */
      readonly networkError?: { readonly network: number; readonly code: number };
    });

/** The durable items that wait for clients. */
export interface SmscOutbox {
  /** The oldest items of a client, at most `limit`, those already under way included. */
  pull(client: string, limit: number): Promise<readonly SmscDelivery[]>;
  /** Removes an item that the client has acknowledged. May be called twice. */
  done(client: string, id: string): Promise<void>;
  /** The client refused it permanently (with this command_status): removes it, and reports it. */
  refused(client: string, id: string, commandStatus: number): Promise<void>;
  /** Calls back when a new item waits for a client; returns the function that ends it. */
  onAvailable(listener: (client: string) => void): () => void;
}

/**
 * What the SMSC face needs from the gateway. Errors are GatewayErrors: `target.unknown` becomes ESME_RINVDSTADR,
 * `link.queue-full` ESME_RMSGQFUL, `job.too-large` ESME_RINVMSGLEN, those with retry class `later` ESME_RSYSERR, the
 * others ESME_RSUBMITFAIL; a numeric `detail.status` wins.
 */
export interface SmscFacePort {
  /**
   * Resolves when the message is durable, in transaction mode when its outcome is known; only then is the
   * submit_sm_resp sent.
   */
  submit(submission: SmscSubmission): Promise<{ readonly messageId: string }>;
  /** State of a client's own message; undefined if it has none with this id. */
  query(client: string, messageId: string): Promise<SmscMessageStatus | undefined>;
  /** Cancels one message, or with an empty id all from `source` to `destination`; false if none could be cancelled. */
  cancel(
    client: string,
    what: { readonly messageId: string; readonly source: string; readonly destination: string },
  ): Promise<boolean>;
  readonly outbox: SmscOutbox;
}

/** An account of the SMSC face. */
export interface SmscClient {
  readonly systemId: string;
  /** Maximum number of simultaneous binds. */
  readonly maxBinds: number;
  /** Submits that may wait for their answer, over all binds, and deliveries in flight per bind. */
  readonly window: number;
  /** Submits per second; without it, no limit. */
  readonly rate?: number;
  /** The PDU of deliveries. */
  readonly deliverAs: "deliver_sm" | "data_sm";
}

/** A bind request. */
export interface BindRequest {
  readonly systemId: string;
  readonly password: string;
  readonly systemType: string;
  readonly mode: "tx" | "rx" | "trx";
  readonly remoteAddress: string;
  readonly tls: boolean;
}

/** The decision on a bind: the account, or the reason for the refusal. */
export type BindDecision =
  | SmscClient
  | {
      /** `busy`: not decided, the client may try again. */
      readonly refused: "system-id" | "password" | "address" | "busy";
      /** Delay of the answer. */
      readonly holdMs?: number;
    };

/** Decides on a bind. The signal aborts when the connection is closed. */
export type Authenticate = (request: BindRequest, signal: AbortSignal) => Promise<BindDecision>;
