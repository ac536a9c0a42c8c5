import type { GatewayError, SubmitFate } from "../base/gateway-error.ts";
import type { MessageState } from "../codec/smpp/message-state.ts";

/** One outgoing short message (one segment) towards a target. */
export interface OutboundSms {
  /** Our reference, unique for this submission: bearers return it in receipts. */
  readonly reference: string;
  /** E.164 digits of the target, with or without `+`; absent for a bearer that ends in one card. */
  readonly to?: string;
  /** Originating address shown to the target (E.164 digits or short code). */
  readonly from?: string;
  /** SMSC address shown to the card, where the bearer builds the SMS-DELIVER itself. */
  readonly serviceCentre?: string;
  /** TP-UD including the user data header. */
  readonly userData: Uint8Array;
  /** TP-UDL where it counts septets and the octets alone do not determine the number. 3GPP TS 23.040 §9.2.3.16 */
  readonly userDataLength?: number;
  readonly userDataHeader: boolean;
  /** TP-PID and TP-DCS, one octet each. */
  readonly protocolId: number;
  readonly dataCoding: number;
  /** `dataCoding` is SMPP's data_coding, and a text has one octet per character; only for bearers of kind `smsc`. */
  readonly smppText?: boolean;
  /** More segments of the same packet follow at once. */
  readonly moreToCome: boolean;
  readonly validityMinutes?: number;
  /** Ask the network for a delivery receipt. */
  readonly receipt: boolean;
  /** Coding requested from an SMSC instead of its account's settings; other bearers ignore it. */
  readonly coding?: { readonly dataCoding?: number; readonly destAddrSubunit?: number };
}

/** The network's report of a message's fate, unchanged. */
export interface NetworkVerdict {
  /** message_state, from its parameter or the text of its receipt. SMPP 3.4 §5.2.28 */
  readonly state?: MessageState;
  /** `err:` of its receipt, unchanged. */
  readonly error?: string;
  /** TLV network_error_code: type of network and code. SMPP 3.4 §5.3.2.31 */
  readonly networkError?: { readonly network: number; readonly code: number };
  /** command_status with which it refused the message. */
  readonly commandStatus?: number;
}

/** The progress of a submitted message when `submit` returned. */
export type SubmitOutcome =
  /** The card itself has it; `report` is the TP-UD of its SMS-DELIVER-REPORT, if there is one. */
  | { readonly at: "delivered"; readonly report?: Uint8Array }
  /** The card refused it (RP-ERROR); `cause` is TP-FCS. */
  | { readonly at: "refused"; readonly cause: number; readonly report?: Uint8Array; readonly sw?: number }
  /** The network accepted it. */
  | {
      readonly at: "accepted";
      /** The reference of the network in receipts, unchanged. */
      readonly networkReference?: string;
    };

/**
 * An item that a bearer receives. The handler resolves when it is durable; only then does the bearer acknowledge it.
 */
export type InboundItem =
  | {
      readonly kind: "message";
      /** Digits of the originator as the bearer saw them; absent when unknown (a card in a reader). */
      readonly from?: string;
      /** Destination the sender addressed. */
      readonly to?: string;
      readonly userData: Uint8Array;
      /** TP-UDL as received, where the bearer saw one: 8 n - 1 septets fill the octets of 8 n. */
      readonly userDataLength?: number;
      readonly userDataHeader: boolean;
      readonly protocolId: number;
      readonly dataCoding: number;
      /** `dataCoding` is SMPP's data_coding, and a text has one octet per character. */
      readonly smppText?: boolean;
      /** The whole TPDU as received, where there was one. */
      readonly tpdu?: Uint8Array;
    }
  | {
      readonly kind: "receipt";
      /** `reference` of the {@link OutboundSms}, or the network's own. */
      readonly reference?: string;
      /** The network's own spelling. */
      readonly networkReference?: string;
      /** Other spellings under which the network may have given it at submission (hexadecimal, decimal). */
      readonly otherReferences?: readonly string[];
      readonly state: "delivered" | "pending" | "failed" | "unknown";
      /** TP-ST, SMPP message_state or error from the network. */
      readonly networkStatus?: string | number;
      readonly verdict?: NetworkVerdict;
      /** The reference that the network echoes, perhaps modulo 256, and the number the message had gone to. */
      readonly echo?: { readonly reference: number; readonly to: string };
    };

/**
 * Carries short messages. Rejections of `submit` contain the `fate`: `"not-sent"` (it may be sent again unchanged) or
 * `"unknown"` (it may have been sent; the same work must not be sent under a new counter unless its order allows
 * running it twice).
 */
export interface SmsBearer extends AsyncDisposable {
  /** Link id, for routing, traces and display. */
  readonly id: string;
  /** `envelope` leads to one card; `modem` and `smsc` reach any number. */
  readonly kind: "envelope" | "modem" | "smsc";
  /** False while it cannot carry anything (card out, bind down); `reason` for display. */
  readonly state: { readonly up: boolean; readonly reason?: string };
  /** @throws GatewayError with `fate` */
  submit(sms: OutboundSms, signal: AbortSignal): Promise<SubmitOutcome>;
  /** The reference that the network was asked to echo in receipts of this message of ours, where it can. */
  echoOf?(reference: string): number | undefined;
  /** Registers the one handler of inbound items. */
  onInbound(handler: (item: InboundItem) => Promise<void>): void;
}

/** The fate of a failed submission; an error without one is treated as unknown. */
export function submitFate(error: GatewayError): SubmitFate {
  return error.fate ?? "unknown";
}
