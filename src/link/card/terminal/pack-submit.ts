import { codecError } from "../../../base/gateway-error.ts";
import { concatBytes } from "../../../base/hex.ts";
import { Reader } from "../../../codec/kit/codec.ts";
import { packSeptets } from "../../../codec/kit/gsm7.ts";

/**
 * An SMS-SUBMIT whose 8-bit text the card requests to be packed to septets: user data, length and coding scheme change.
 * A TPDU with a user data header, or already packed, stays as it is. 3GPP TS 31.111 §6.4.10
 * @throws codec.* when it is not SMS-SUBMIT
 */
export function packSubmit(tpdu: Uint8Array): Uint8Array {
  const from = new Reader(tpdu);
  const first = from.u8("first octet");
  if ((first & 0x03) !== 0x01) throw codecError("codec.value", "not an SMS-SUBMIT", 0, { field: "TP-MTI" });
  from.u8("TP-MR");
  const digits = from.u8("TP-DA length");
  from.take(1 + Math.ceil(digits / 2), "TP-DA");
  from.u8("TP-PID");
  const dcsAt = from.offset;
  const dcs = from.u8("TP-DCS");
  const period = (first >> 3) & 0x03;
  from.take(period === 0 ? 0 : period === 2 ? 1 : 7, "TP-VP");
  const lengthAt = from.offset;
  const text = from.take(from.u8("TP-UDL"), "TP-UD");
  const eightBit = (dcs & 0xf0) === 0xf0 ? (dcs & 0x04) !== 0 : (dcs & 0x0c) === 0x04;
  if (!eightBit || (first & 0x40) !== 0) return tpdu;
  const head = tpdu.slice(0, lengthAt);
  head[dcsAt] = (dcs & 0xf0) === 0xf0 ? dcs & ~0x04 : dcs & ~0x0c;
  return concatBytes(head, Uint8Array.of(text.length), packSeptets([...text]));
}
