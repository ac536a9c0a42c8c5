import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { Envelope, smsPpDownload } from "../../../src/codec/cat/envelope.ts";
import { encode } from "../../../src/codec/kit/codec.ts";
import type { Body } from "../../../src/codec/smpp/bodies.ts";
import { encodePdu, type Pdu } from "../../../src/codec/smpp/pdu.ts";
import { tpduBytes } from "../../../src/codec/sms/tpdu.ts";

/** The user data as a card gets them: SMS-DELIVER. */
export function deliverOf(userData: Uint8Array): Uint8Array {
  return tpduBytes({
    type: "SMS-DELIVER",
    noMoreMessages: true,
    loopPrevention: false,
    statusReport: false,
    userDataHeader: true,
    replyPath: false,
    originator: { toa: 0x91, number: "447700900000" },
    pid: 0x7f,
    dcs: 0xf6,
    scts: "2026-01-31T12:00:00+00:00",
    userData: { length: userData.length, octets: userData },
  });
}

/** ENVELOPE (SMS-PP DOWNLOAD) of a TPDU. */
export function envelopeOf(tpdu: Uint8Array): Uint8Array {
  const data = encode(Envelope, smsPpDownload(tpdu));
  return concatBytes(fromHex("80C20000"), Uint8Array.of(data.length), data);
}

/** The user data as an ESME submits them. */
export function submitOf(userData: Uint8Array, tlvs: Body<"submit_sm">["tlvs"] = {}, esmClass = 0x40): Uint8Array {
  const pdu: Pdu = {
    command: "submit_sm",
    status: 0,
    sequence: 1,
    body: {
      serviceType: "",
      source: { ton: 1, npi: 1, addr: "447700900000" },
      destination: { ton: 1, npi: 1, addr: "15550000001" },
      esmClass,
      protocolId: 0x7f,
      priorityFlag: 0,
      scheduleDeliveryTime: "",
      validityPeriod: "",
      registeredDelivery: 1,
      replaceIfPresentFlag: 0,
      dataCoding: 0xf6,
      smDefaultMsgId: 0,
      shortMessage: userData,
      tlvs,
    },
  };
  return encodePdu(pdu);
}
