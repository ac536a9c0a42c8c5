import { isGatewayError } from "../../base/gateway-error.ts";
import { withoutSecret } from "../apdu/secret-data.ts";
import { readCatTlvs } from "../cat/comprehension.ts";
import { readLength } from "../kit/ber.ts";
import { Reader } from "../kit/codec.ts";
import { guessTpdu } from "../sms/tpdu.ts";
import { readUserDataHeader, securityHeaderOf } from "../sms/user-data-header.ts";
import { commandHeaderLength, commandPrefixLength } from "./command-packet.ts";
import { showScript } from "./script-secrets.ts";

/**
 * TP-UD with a header as it may be shown: a command packet that is not ciphered carries its script in clear, and so may
 * carry keys and PINs; those are overwritten by zeros. What is no such message is returned as it is. Of a packet in
 * several messages, the first alone is known for one. 3GPP TS 31.115 §4
 */
export function showUserData(userData: Uint8Array): Uint8Array {
  return orSame(userData, () => withoutScriptSecrets(userData));
}

function withoutScriptSecrets(userData: Uint8Array): Uint8Array {
  const { elements, headerLength, body } = readUserDataHeader(userData);
  const ciphered = ((body[3] ?? 0) & 0x04) !== 0;
  if (securityHeaderOf(elements) !== "command" || ciphered) return userData;
  const check = Math.max(0, (body[2] ?? 0) - commandHeaderLength);
  const start = headerLength + commandPrefixLength + check;
  const { bytes, hidden } = showScript(userData.subarray(start));
  return hidden ? replaced(userData, start, bytes) : userData;
}

function replaced(octets: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  const shown = Uint8Array.from(octets);
  shown.set(part, at);
  return shown;
}

/** Puts what `show` makes of a part (a view into `octets`) in its place; the same octets when it changes nothing. */
export function showWithin(octets: Uint8Array, part: Uint8Array, show: (part: Uint8Array) => Uint8Array): Uint8Array {
  const shown = show(part);
  return shown === part ? octets : replaced(octets, part.byteOffset - octets.byteOffset, shown);
}

function orSame(octets: Uint8Array, work: () => Uint8Array): Uint8Array {
  try {
    return work();
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return octets;
  }
}

/** An SMS TPDU as it may be shown. 3GPP TS 31.115 §4 */
export function showTpdu(tpdu: Uint8Array): Uint8Array {
  return orSame(tpdu, () => {
    const message = guessTpdu(tpdu);
    if (!("userData" in message) || message.userData === undefined || !message.userDataHeader) return tpdu;
    return showWithin(tpdu, message.userData.octets, showUserData);
  });
}

/** A command APDU as it may be shown: without PIN, key data, or secrets of a script that comes by ENVELOPE in clear. */
export function showCommand(apdu: Uint8Array): Uint8Array {
  return apdu[1] === 0xc2 ? showEnvelope(apdu) : withoutSecret(apdu);
}

/** An ENVELOPE command as it may be shown. 3GPP TS 31.111 §7.1.1 */
export function showEnvelope(apdu: Uint8Array): Uint8Array {
  return orSame(apdu, () => {
    const from = new Reader(apdu.subarray(5, 5 + (apdu[4] ?? 0)), 5);
    if (from.peek() !== 0xd1) return apdu;
    from.u8();
    const objects = readCatTlvs(from.take(readLength(from)));
    const tpdu = objects.find(({ tag }) => tag === 0x0b)?.value;
    return tpdu === undefined ? apdu : showWithin(apdu, tpdu, showTpdu);
  });
}
