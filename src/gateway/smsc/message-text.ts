import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { smppText } from "../../codec/smpp/text.ts";
import { userDataText } from "../../codec/sms/user-data.ts";
import {
  type Concatenation,
  concatenationOf,
  isToolkitHeader,
  readUserDataHeader,
} from "../../codec/sms/user-data-header.ts";
import type { InboundItem } from "../../link/sms-bearer.ts";
import type { InboxEntry } from "../model/inbox.ts";

type Message = Extract<InboundItem, { kind: "message" }>;

/** The text of a message, or of one part of several. */
interface TextPart {
  readonly text: string;
  readonly concatenation?: Concatenation;
}

/** SMPP's own data_coding, with one octet per character; entries of earlier versions are recognized by their link. */
function isSmpp(link: string, item: Message): boolean {
  return item.smppText === true || (item.tpdu === undefined && link.startsWith("smsc:"));
}

function textPartOf(link: string, item: Message): TextPart | undefined {
  const { userData, userDataHeader, dataCoding: coding } = item;
  try {
    const header = userDataHeader ? readUserDataHeader(userData) : undefined;
    if (header?.elements.some(({ id }) => isToolkitHeader(id))) return undefined;
    const octets = header?.headerLength ?? 0;
    const length = item.userDataLength;
    const text = isSmpp(link, item)
      ? smppText(userData.subarray(octets), coding)
      : userDataText({ octets: userData, ...withoutUndefined({ length }) }, coding, octets);
    const concatenation = header === undefined ? undefined : concatenationOf(header.elements);
    if (text === undefined) return undefined;
    return concatenation === undefined || concatenation === "ignored" ? { text } : { text, concatenation };
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

function keyOf({ link, item }: InboxEntry, { reference, referenceBits, total }: Concatenation): string {
  const from = item.kind === "message" ? item.from : "";
  return [link, from, referenceBits, reference, total].join("/");
}

/**
 * Texts of the messages in a list, newest first, by their ids. A text of several messages is joined when all of them
 * are in the list; each then has the whole text. Packets and other octets have none. 3GPP TS 23.040 §9.2.3.24.1
 */
export function textsOf(entries: readonly InboxEntry[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const open = new Map<string, Map<number, { id: string; text: string }>>();
  for (const entry of [...entries].reverse()) {
    const part = entry.item.kind === "message" ? textPartOf(entry.link, entry.item) : undefined;
    if (part === undefined) continue;
    texts.set(entry.id, part.text);
    if (part.concatenation === undefined) continue;
    const key = keyOf(entry, part.concatenation);
    const parts = open.get(key) ?? new Map<number, { id: string; text: string }>();
    open.set(key, parts.set(part.concatenation.sequence, { id: entry.id, text: part.text }));
    if (parts.size < part.concatenation.total) continue;
    open.delete(key);
    const ordered = [...parts].sort(([a], [b]) => a - b).map(([, one]) => one);
    const whole = ordered.map(({ text }) => text).join("");
    for (const { id } of ordered) texts.set(id, whole);
  }
  return texts;
}
