import { withoutUndefined } from "../../base/defined.ts";
import { type MessageState, stateOfRefusal } from "../../codec/smpp/message-state.ts";
import { status } from "../../codec/smpp/status.ts";
import type { InboundItem, NetworkVerdict } from "../../link/sms-bearer.ts";
import type { Job } from "../model/job.ts";
import type { JobEnd } from "../model/job-end.ts";

/** Outcome of a message, in the terms that its client receives. */
export interface MessageVerdict {
  readonly state: MessageState;
  /** The state is final. */
  readonly final: boolean;
  /** Network error, 0 without one. */
  readonly error: number;
  readonly network?: NetworkVerdict;
}

const states = { delivered: "delivered", failed: "undeliverable", pending: "enroute", unknown: "unknown" } as const;

/** Type of network in network_error_code. SMPP 3.4 §5.3.2.31 */
const gsm = 3;

/**
 * TP-ST values for which SMPP has a state of its own; others have the state of their class. 3GPP TS 23.040 §9.2.3.15
 */
const stateOfStatus = new Map<number, MessageState>([
  [0x46, "expired"],
  [0x47, "deleted"],
  [0x48, "deleted"],
]);

/** What a receipt of the network means for the message, with the network's state and errors unchanged. */
export function verdictOfReceipt(item: Extract<InboundItem, { kind: "receipt" }>): MessageVerdict {
  const { networkStatus, verdict } = item;
  const final = item.state === "delivered" || item.state === "failed";
  const tpStatus = typeof networkStatus === "number" ? networkStatus : undefined;
  const state = verdict?.state ?? stateOfStatus.get(tpStatus ?? -1) ?? states[item.state];
  const error = item.state === "delivered" ? 0 : (tpStatus ?? 0);
  return { state, final, error: errorNumber(verdict, error), ...withoutUndefined({ network: verdict }) };
}

/**
 * What the end of its job means for a message. If a network accepted the message, its outcome is still to be reported.
 */
export function verdictOfEnd(job: Job, end: JobEnd): MessageVerdict {
  const network = networkWords(end);
  const words = { error: errorNumber(network, 0), ...withoutUndefined({ network }) };
  return { ...stateAfter(job, end, network?.commandStatus), ...words };
}

function stateAfter(job: Job, end: JobEnd, commandStatus: number | undefined): Pick<MessageVerdict, "state" | "final"> {
  const envelope = job.chosen?.bearer === "envelope";
  const unknown = end.error?.executed === "unknown";
  switch (end.state) {
    case "done":
      return envelope ? { state: "delivered", final: true } : { state: "enroute", final: false };
    case "failed":
      // A receipt or a late answer can still settle a message that a network may have.
      if (unknown && end.error?.code !== "card.status") return { state: "unknown", final: envelope };
      return { state: commandStatus === undefined ? "undeliverable" : stateOfRefusal(commandStatus), final: true };
    case "expired":
      return unknown ? { state: "unknown", final: envelope } : { state: "expired", final: true };
    case "cancelled":
      return { state: "deleted", final: true };
  }
}

function networkWords(end: JobEnd): NetworkVerdict | undefined {
  if (end.error === undefined) return undefined;
  const { status: code, cause } = end.error.detail;
  if (typeof cause === "number") return { networkError: { network: gsm, code: cause } };
  return typeof code === "number" && end.error.code !== "card.status" ? { commandStatus: code } : undefined;
}

/** The network's error as one number: its error code, the error of its receipt, or its command_status. */
function errorNumber(network: NetworkVerdict | undefined, otherwise: number): number {
  const { networkError, error, commandStatus } = network ?? {};
  const inReceipt = error !== undefined && /^\d{1,9}$/.test(error) ? Number(error) : undefined;
  return networkError?.code ?? inReceipt ?? commandStatus ?? otherwise;
}

/** `err:` of the receipt for the client: the network's own text, otherwise its number. SMPP 3.4 appendix B */
export function errorText({ error, network }: Pick<MessageVerdict, "error" | "network">): string {
  return network?.error ?? String(error).padStart(3, "0");
}

/**
 * command_status of a message that was not delivered, for a client that waits for its outcome: the network's own if it
 * gave one.
 */
export function failureStatus(network: NetworkVerdict | undefined): number {
  return network?.commandStatus ?? status.ESME_RDELIVERYFAILURE;
}
