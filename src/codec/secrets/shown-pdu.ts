import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { withoutPassword } from "../smpp/describe.ts";
import { decodePdu, type Pdu } from "../smpp/pdu.ts";
import type { Concatenation } from "../sms/user-data-header.ts";
import { replaced, showAlone } from "./message-secrets.ts";
import type { PassingMessage, ShowMessage } from "./segment-secrets.ts";

/** esm_class: the message starts with a user data header. SMPP 3.4 §5.2.12 */
const udhIndicator = 0x40;

/**
 * A PDU as traces may show it: without passwords, and without the keys and PINs of a script that travels in clear; the
 * same octets when it has none.
 */
export function shownPdu(bytes: Uint8Array, show: ShowMessage = showAlone): Uint8Array {
  const messages = messagesOf(bytes);
  if (messages.length === 0) return withoutPassword(bytes);
  let shown = bytes;
  for (const message of messages) {
    const made = show(message);
    if (made !== message.userData) shown = replaced(shown, message.userData.byteOffset - bytes.byteOffset, made);
  }
  return shown;
}

type MessagePdu = Extract<Pdu, { command: "submit_sm" | "deliver_sm" | "data_sm" | "submit_multi" }>;

/** Views of what the PDU carries as a message, in its body or as message_payload. */
function messagesOf(bytes: Uint8Array): PassingMessage[] {
  try {
    const pdu = decodePdu(bytes);
    return carriesMessage(pdu) ? messagesIn(pdu) : [];
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return [];
  }
}

function carriesMessage(pdu: Pdu): pdu is MessagePdu {
  return ["submit_sm", "deliver_sm", "data_sm", "submit_multi"].includes(pdu.command);
}

function messagesIn({ command, body }: MessagePdu): PassingMessage[] {
  const userDataHeader = (body.esmClass & udhIndicator) !== 0;
  const segment = sarOf(body.tlvs);
  if (!userDataHeader && segment === undefined) return [];
  const to = "destination" in body ? body.destination.addr : "";
  const peer = `${command} ${body.source.addr} ${to}`;
  const short = "shortMessage" in body ? body.shortMessage : new Uint8Array(0);
  const octets = [short, body.tlvs.messagePayload ?? new Uint8Array(0)].filter(({ length }) => length > 0);
  return octets.map((userData) => ({ userData, userDataHeader, peer, ...withoutUndefined({ segment }) }));
}

/** The place of a segment that an SMSC is asked to write into the header. SMPP 3.4 §5.3.2.22 */
function sarOf(tlvs: MessagePdu["body"]["tlvs"]): Concatenation | undefined {
  const { sarMsgRefNum: reference, sarTotalSegments: total, sarSegmentSeqnum: sequence } = tlvs;
  if (reference === undefined || total === undefined || sequence === undefined || total < 2) return undefined;
  return { reference, referenceBits: 16, total, sequence };
}
