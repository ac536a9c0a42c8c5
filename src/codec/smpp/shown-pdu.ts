import { isGatewayError } from "../../base/gateway-error.ts";
import { showUserData, showWithin } from "../ota/message-secrets.ts";
import { withoutPassword } from "./describe.ts";
import { decodePdu } from "./pdu.ts";

/** esm_class: short_message starts with a user data header. SMPP 3.4 §5.2.12 */
const udhIndicator = 0x40;

/**
 * A PDU as traces may show it: without passwords, and without the keys and PINs of a script that travels in clear; the
 * same octets when it has none.
 */
export function shownPdu(bytes: Uint8Array): Uint8Array {
  const message = messageOf(bytes);
  return message === undefined ? withoutPassword(bytes) : showWithin(bytes, message, showUserData);
}

/** A view of the message of submit_sm or deliver_sm that starts with a user data header. */
function messageOf(bytes: Uint8Array): Uint8Array | undefined {
  try {
    const pdu = decodePdu(bytes);
    if (pdu.command !== "submit_sm" && pdu.command !== "deliver_sm") return undefined;
    const { esmClass, shortMessage } = pdu.body;
    return (esmClass & udhIndicator) === 0 || shortMessage.length === 0 ? undefined : shortMessage;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return undefined;
  }
}
