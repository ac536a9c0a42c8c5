import { isGatewayError } from "../../base/gateway-error.ts";
import { readCatTlvs } from "../cat/comprehension.ts";
import { readLength } from "../kit/ber.ts";
import { Reader } from "../kit/codec.ts";
import type { SmsAddress } from "../sms/address.ts";
import { guessTpdu } from "../sms/tpdu.ts";
import { loginObjects } from "./login-secrets.ts";
import { CommandSecrets, withoutRanges } from "./secret-data.ts";
import { passingSegment, type ShowMessage, stepSegment } from "./segment-secrets.ts";

/** How a message is shown of which nothing else is known: of a packet in several, all but the first are blank. */
export const showAlone: ShowMessage = (message) =>
  orSame(message.userData, () => {
    const segment = passingSegment(message);
    return showBody(message.userData, segment.body, stepSegment(undefined, segment).shown);
  });

/** User data with what is shown of the body, a view into them, in its place. */
export function showBody(userData: Uint8Array, body: Uint8Array, shown: Uint8Array): Uint8Array {
  return showWithin(userData, body, () => shown);
}

/** Puts what `show` makes of a part (a view into `octets`) in its place; the same octets when it changes nothing. */
export function showWithin(octets: Uint8Array, part: Uint8Array, show: (part: Uint8Array) => Uint8Array): Uint8Array {
  const shown = show(part);
  return shown === part ? octets : replaced(octets, part.byteOffset - octets.byteOffset, shown);
}

/** A copy with other octets from `at` on. */
export function replaced(octets: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  const shown = Uint8Array.from(octets);
  shown.set(part, at);
  return shown;
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
export function showTpdu(tpdu: Uint8Array, show: ShowMessage = showAlone): Uint8Array {
  return orSame(tpdu, () => {
    const message = guessTpdu(tpdu);
    if (!("userData" in message) || message.userData === undefined || !message.userDataHeader) return tpdu;
    const peer = "originator" in message ? message.originator : "destination" in message ? message.destination : none;
    const { octets } = message.userData;
    return showWithin(tpdu, octets, () => show({ userData: octets, userDataHeader: true, peer: peerOf(peer) }));
  });
}

const none: SmsAddress = { toa: 0, number: "" };
const peerOf = ({ toa, number }: SmsAddress) => `${toa}:${number}`;

/** A command APDU as it may be shown: without PIN, key data, or secrets of a script that comes by ENVELOPE in clear. */
export function showCommand(
  apdu: Uint8Array,
  show: ShowMessage = showAlone,
  secrets: CommandSecrets = new CommandSecrets(),
): Uint8Array {
  const ranges = secrets.next(apdu)?.ranges ?? [];
  return apdu[1] === 0xc2 ? showEnvelope(apdu, show) : withoutRanges(apdu, ranges);
}

/** A proactive command as it may be shown: without the login of OPEN CHANNEL. ETSI TS 102 223 §6.6.27 */
export function showProactive(octets: Uint8Array): Uint8Array {
  return orSame(octets, () => {
    const from = new Reader(octets);
    if (from.u8() !== 0xd0) return octets;
    const length = readLength(from);
    return withoutRanges(octets, loginObjects(octets, from.offset, Math.min(from.offset + length, octets.length)));
  });
}

/** An ENVELOPE command as it may be shown. 3GPP TS 31.111 §7.1.1 */
export function showEnvelope(apdu: Uint8Array, show: ShowMessage = showAlone): Uint8Array {
  return orSame(apdu, () => {
    const from = new Reader(apdu.subarray(5, 5 + (apdu[4] ?? 0)), 5);
    if (from.peek() !== 0xd1) return apdu;
    from.u8();
    const objects = readCatTlvs(from.take(readLength(from)));
    const tpdu = objects.find(({ tag }) => tag === 0x0b)?.value;
    return tpdu === undefined ? apdu : showWithin(apdu, tpdu, (octets) => showTpdu(octets, show));
  });
}
