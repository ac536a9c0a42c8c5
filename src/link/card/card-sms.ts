import { withoutUndefined } from "../../base/defined.ts";
import type { Address } from "../../codec/cat/object.ts";
import { parseAddress, type SmsAddress, showAddress } from "../../codec/sms/address.ts";
import { countsSeptets } from "../../codec/sms/data-coding.ts";
import { timestampOf } from "../../codec/sms/timestamp.ts";
import { parseTpdu, tpduBytes } from "../../codec/sms/tpdu.ts";
import type { InboundItem, OutboundSms } from "../sms-bearer.ts";
import type { CardSms } from "./terminal/terminal-commands.ts";

/** Up to how many digits a bare number is a short code rather than an international number. */
const shortCodeDigits = 6;

/** A number as passed to a bearer: E.164 digits with or without `+`, a short code, or a name. */
function addressOf(text: string): SmsAddress {
  return /^[0-9]+$/.test(text) && text.length > shortCodeDigits ? parseAddress(`+${text}`) : parseAddress(text);
}

/**
 * The SMS-DELIVER that carries a short message into a card, as the network would. 3GPP TS 23.040 §9.2.2.1
 * @throws codec.* when an address or length cannot be coded
 */
export function deliverTpdu(sms: OutboundSms, originator: string, nowMs: number): Uint8Array {
  return tpduBytes({
    type: "SMS-DELIVER",
    noMoreMessages: !sms.moreToCome,
    loopPrevention: false,
    statusReport: false,
    userDataHeader: sms.userDataHeader,
    replyPath: false,
    originator: addressOf(sms.from ?? originator),
    pid: sms.protocolId,
    dcs: sms.dataCoding,
    scts: timestampOf(nowMs),
    userData: {
      octets: sms.userData,
      ...withoutUndefined({ length: sms.userDataLength }),
    },
  });
}

/** A service centre's number as the card sees it. */
export function serviceCentreOf(text: string): Address {
  const { toa, number } = addressOf(text);
  return { tonNpi: toa, digits: number };
}

/**
 * The inbound item of a card's SEND SHORT MESSAGE; the card itself is the originator.
 * @throws codec.* for anything but an SMS-SUBMIT
 */
export function inboundItem({ tpdu }: CardSms): InboundItem {
  const submit = parseTpdu(tpdu, "SMS-SUBMIT");
  return {
    kind: "message",
    to: showAddress(submit.destination),
    userData: submit.userData.octets,
    userDataHeader: submit.userDataHeader,
    ...(countsSeptets(submit.dcs) && submit.userData.length !== undefined
      ? { userDataLength: submit.userData.length }
      : {}),
    protocolId: submit.pid,
    dataCoding: submit.dcs,
    tpdu,
  };
}
