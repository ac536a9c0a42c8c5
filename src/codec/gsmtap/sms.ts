import { isGatewayError } from "../../base/gateway-error.ts";
import { Writer } from "../kit/codec.ts";
import { guessTpdu, type SmsTpdu } from "../sms/tpdu.ts";
import { type Gsmtap, gsmtapType } from "./header.ts";

/** Sub type of the LTE NAS type: a message that is not ciphered. */
const plainNas = 0x00;

/** Which TPDUs a mobile sends. 3GPP TS 23.040 §9.2.2 */
const fromMobile: ReadonlySet<SmsTpdu["type"]> = new Set(["SMS-SUBMIT", "SMS-COMMAND", "SMS-DELIVER-REPORT"]);

/** NAS message container and CP user data count their content in one octet. */
const most = 251;

function typeOf(tpdu: Uint8Array): { type: SmsTpdu["type"]; rp: "ACK" | "ERROR" } {
  try {
    const found = guessTpdu(tpdu);
    return { type: found.type, rp: "rp" in found ? found.rp : "ACK" };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { type: ((tpdu[0] ?? 0) & 0x03) === 1 ? "SMS-SUBMIT" : "SMS-DELIVER", rp: "ACK" };
  }
}

/**
 * An SMS TPDU as GSMTAP carries short messages to a dissector: GSMTAP has no type for a bare TPDU, so it travels as the
 * SMS transport of an LTE network would carry it (RP-DATA, RP-ACK or RP-ERROR in CP-DATA in a NAS transport message),
 * with empty service centre addresses. Undefined for a TPDU that is too long for that.
 * 3GPP TS 24.011 §7.3, TS 24.301 §8.2.12, §8.2.30
 */
export function smsFrame(tpdu: Uint8Array): Gsmtap | undefined {
  const { type, rp } = typeOf(tpdu);
  const uplink = fromMobile.has(type);
  const rpdu =
    type.endsWith("LIVER-REPORT") || type.endsWith("SUBMIT-REPORT") ? report(tpdu, uplink, rp) : data(tpdu, uplink);
  if (rpdu.length + 3 > most) return undefined;
  const to = new Writer(rpdu.length + 8);
  // EPS mobility management in clear, uplink or downlink NAS transport, container length.
  to.u8(0x07)
    .u8(uplink ? 0x63 : 0x62)
    .u8(rpdu.length + 3);
  // SMS protocol with the transaction of the initiator, CP-DATA, user data length.
  to.u8(0x09).u8(0x01).u8(rpdu.length);
  return { type: gsmtapType.lteNas, subType: plainNas, uplink, payload: to.bytes(rpdu).finish() };
}

/** RP-DATA. 3GPP TS 24.011 §7.3.1 */
function data(tpdu: Uint8Array, uplink: boolean): Uint8Array {
  const to = new Writer(tpdu.length + 8).u8(uplink ? 0x00 : 0x01).u8(0);
  // The service centre's address stands first on the way down, second on the way up; `91` alone is an empty one.
  if (uplink) to.u8(0).u8(1).u8(0x91);
  else to.u8(1).u8(0x91).u8(0);
  return to
    .u8(tpdu.length & 0xff)
    .bytes(tpdu)
    .finish();
}

/** RP-ACK, or RP-ERROR with cause 111 "protocol error". 3GPP TS 24.011 §7.3.3, §7.3.4 */
function report(tpdu: Uint8Array, uplink: boolean, rp: "ACK" | "ERROR"): Uint8Array {
  const to = new Writer(tpdu.length + 8);
  if (rp === "ACK") to.u8(uplink ? 0x02 : 0x03).u8(0);
  else
    to.u8(uplink ? 0x04 : 0x05)
      .u8(0)
      .u8(1)
      .u8(111);
  return to
    .u8(0x41)
    .u8(tpdu.length & 0xff)
    .bytes(tpdu)
    .finish();
}
