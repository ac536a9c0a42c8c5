import { statusClass } from "./status.ts";

/** Message states by number; 0 and 9 are of version 5.0. SMPP 3.4 §5.2.28 */
export const messageStates = [
  "scheduled",
  "enroute",
  "delivered",
  "expired",
  "deleted",
  "undeliverable",
  "accepted",
  "unknown",
  "rejected",
  "skipped",
] as const;
export type MessageState = (typeof messageStates)[number];

const spellings: readonly (readonly [RegExp, MessageState])[] = [
  [/^deliv?e?r/, "delivered"],
  [/^undeliv/, "undeliverable"],
  [/^fail/, "undeliverable"],
  [/^expir/, "expired"],
  [/^delet/, "deleted"],
  [/^accep/, "accepted"],
  [/^buffer/, "enroute"],
  [/^enrout|^en_rout|^en-rout|^trans|^pend/, "enroute"],
  [/^sched/, "scheduled"],
  [/^reject/, "rejected"],
  [/^skip/, "skipped"],
];

/** State of a receipt's `stat:` text, regardless of its spelling. */
export function stateOfText(text: string): MessageState {
  const lower = text.toLowerCase();
  return spellings.find(([pattern]) => pattern.test(lower))?.[1] ?? "unknown";
}

/** State of a message that an SMSC refused with this command_status when it was submitted. */
export function stateOfRefusal(commandStatus: number): MessageState {
  const kind = statusClass(commandStatus);
  return kind === "permanent" || kind === "configuration" || kind === "protocol" ? "rejected" : "undeliverable";
}

const unsettled: readonly MessageState[] = ["scheduled", "enroute", "accepted", "unknown"];

/** Whether a state specifies the outcome of the message. */
export function isSettled(state: MessageState): boolean {
  return !unsettled.includes(state);
}

/** The seven letters of a receipt. SMPP 3.4 appendix B */
export const receiptText = {
  scheduled: "ENROUTE",
  enroute: "ENROUTE",
  delivered: "DELIVRD",
  expired: "EXPIRED",
  deleted: "DELETED",
  undeliverable: "UNDELIV",
  accepted: "ACCEPTD",
  unknown: "UNKNOWN",
  rejected: "REJECTD",
  skipped: "SKIPPED",
} as const satisfies Record<MessageState, string>;
