import { withoutUndefined } from "../../base/defined.ts";
import type { Body } from "./bodies.ts";
import { hasUdh, messageKind } from "./esm-class.ts";
import { latin1 } from "./fields.ts";
import { isSettled, type MessageState, messageStates, receiptText, stateOfText } from "./message-state.ts";
import { cutParameter, textOf } from "./tlv.ts";

/** Meaning of a delivery receipt; every part may be missing. */
export interface Receipt {
  readonly id?: string;
  readonly state: MessageState;
  /** `stat:` and `err:` unchanged. */
  readonly stat?: string;
  readonly error?: string;
  readonly submitDate?: string;
  readonly doneDate?: string;
  /** Network type and code of TLV network_error_code. */
  readonly networkError?: { readonly network: number; readonly code: number };
  readonly userMessageReference?: number;
  /** An intermediate notification: the final one is still to come. */
  readonly intermediate: boolean;
}

const maxLength = 1024;
const key = (name: string) => new RegExp(`(?:^|[\\s,;])${name}\\s*[:=]\\s*([^\\s,;]*)`, "i");
const keys = {
  id: key("(?:message[ _-]?id|msg[ _-]?id|id)"),
  stat: key("(?:stat|status|state)"),
  error: key("(?:err|error)"),
  submitDate: key("submit[ _-]?date"),
  doneDate: key("done[ _-]?date"),
} as const;
const text = /(?:^|[\s,;])(?:text|msg|txt)\s*[:=]/i;

function field(from: string, name: keyof typeof keys): string | undefined {
  const found = keys[name].exec(from)?.[1];
  return found === undefined || found === "" ? undefined : found;
}

/** Parts of a receipt's text; undefined when it does not read like one. SMPP 3.4 appendix B */
export function parseReceiptText(
  octets: string,
): Omit<Receipt, "intermediate" | "networkError" | "userMessageReference"> | undefined {
  // NULs stand before the text, or between its letters where it is UCS2.
  const whole = octets.slice(0, maxLength).replaceAll("\0", "");
  const end = whole.search(text);
  const head = end < 0 ? whole : whole.slice(0, end);
  const id = field(head, "id");
  const stat = field(head, "stat");
  if (stat === undefined && id === undefined) return parseColumns(whole);
  const error = field(head, "error");
  const submitDate = field(head, "submitDate");
  const doneDate = field(head, "doneDate");
  return {
    ...withoutUndefined({ id }),
    state: stat === undefined ? "unknown" : stateOfText(stat),
    ...withoutUndefined({ stat, error, submitDate, doneDate }),
  };
}

/** The comma list some operators send: result first, our reference last. */
function parseColumns(whole: string): { id: string; state: MessageState; stat: string } | undefined {
  if (!/^\d{1,3}(,[^,\s]*){2,}\s*$/.test(whole)) return undefined;
  const columns = whole.trim().split(",");
  const [stat = ""] = columns;
  const id = columns.at(-1) ?? "";
  return id === "" ? undefined : { id, stat, state: Number(stat) === 0 ? "delivered" : "undeliverable" };
}

function networkError(octets: Uint8Array | undefined): { network: number; code: number } | undefined {
  if (octets?.length !== 3) return undefined;
  return { network: octets[0] ?? 0, code: (octets[1] ?? 0) * 256 + (octets[2] ?? 0) };
}

/** Octets of a message, wherever the sender put them. */
export function messageOctets(body: Body<"deliver_sm"> | Body<"data_sm">): Uint8Array {
  if ("shortMessage" in body && body.shortMessage.length > 0) return body.shortMessage;
  return body.tlvs.messagePayload ?? new Uint8Array(0);
}

/** The parameter wins over the text, unless only the text specifies the outcome of the message. */
function stateOf(parameter: number | undefined, text: MessageState | undefined): MessageState {
  const told = parameter === undefined ? undefined : messageStates[parameter];
  if (told === undefined || (text !== undefined && isSettled(text) && !isSettled(told))) return text ?? "unknown";
  return told;
}

/** {@link messageOctets} of what a peer delivers: of a message_payload that the PDU cuts short, what is there. */
export function deliveredOctets(body: Body<"deliver_sm"> | Body<"data_sm">): Uint8Array {
  const octets = messageOctets(body);
  const cut = octets.length === 0 ? cutParameter(body.tlvs) : undefined;
  return cut?.name === "messagePayload" ? cut.value : octets;
}

/**
 * The receipt in a deliver_sm or data_sm, undefined when it is a message. Parameters win over text; a body that only
 * looks like a receipt counts when neither esm_class nor a user data header speaks against it.
 */
export function readReceipt(body: Body<"deliver_sm"> | Body<"data_sm">): Receipt | undefined {
  const kind = messageKind(body.esmClass);
  const { messageState, networkErrorCode, userMessageReference } = body.tlvs;
  const receiptedMessageId = textOf(body.tlvs, "receiptedMessageId");
  const declared = kind === "receipt" || kind === "intermediate";
  if (!declared && (kind !== "message" || hasUdh(body.esmClass))) return undefined;
  const parsed = parseReceiptText(latin1(deliveredOctets(body)));
  if (!declared && (parsed?.id === undefined || parsed.stat === undefined) && receiptedMessageId === undefined) {
    return undefined;
  }
  const id = receiptedMessageId ?? parsed?.id;
  const code = networkError(networkErrorCode);
  return {
    ...parsed,
    ...(id === undefined || id === "" ? {} : { id }),
    state: stateOf(messageState, parsed?.state),
    ...withoutUndefined({ networkError: code, userMessageReference }),
    intermediate: kind === "intermediate",
  };
}

/** Facts an SMSC writes into a receipt. */
interface ReceiptFacts {
  readonly id: string;
  readonly state: MessageState;
  readonly submitDate: string;
  readonly doneDate: string;
  /** Three characters; what a network wrote there may be longer, and is not cut. */
  readonly error?: string;
  readonly text?: string;
}

/** Receipt text as the specification's appendix lays it out. SMPP 3.4 appendix B */
export function formatReceiptText(facts: ReceiptFacts): string {
  const delivered = facts.state === "delivered" ? "001" : "000";
  const error = (facts.error ?? "000").padStart(3, "0");
  return (
    `id:${facts.id} sub:001 dlvrd:${delivered} submit date:${facts.submitDate} done date:${facts.doneDate} ` +
    `stat:${receiptText[facts.state]} err:${error} text:${(facts.text ?? "").slice(0, 20)}`
  );
}
