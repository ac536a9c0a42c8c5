/** What a message is, by bits 5 to 2 of esm_class. SMPP 3.4 §5.2.12 */
type MessageKind =
  | "message"
  | "receipt"
  | "delivery-ack"
  | "user-ack"
  | "conversation-abort"
  | "intermediate"
  | "reserved";

/** UDH indicator and reply path of esm_class. */
export const udhi = 0x40;

const kinds = new Map<number, MessageKind>([
  [0x00, "message"],
  [0x04, "receipt"],
  [0x08, "delivery-ack"],
  [0x10, "user-ack"],
  [0x18, "conversation-abort"],
  [0x20, "intermediate"],
]);

/** Kind of a deliver_sm or data_sm; the mode bits, which peers leave set, do not matter. */
export function messageKind(esmClass: number): MessageKind {
  return kinds.get(esmClass & 0x3c) ?? "reserved";
}

/** True when the user data starts with a header. */
export function hasUdh(esmClass: number): boolean {
  return (esmClass & udhi) !== 0;
}

/** Messaging modes by bits 1 and 0 of esm_class. */
export const messagingModes = ["default", "datagram", "transaction", "store-and-forward"] as const;
export type MessagingMode = (typeof messagingModes)[number];

/** esm_class of a submit: mode and UDH indicator. */
export function submitEsmClass(mode: MessagingMode, withUdh: boolean): number {
  return messagingModes.indexOf(mode) | (withUdh ? udhi : 0);
}
