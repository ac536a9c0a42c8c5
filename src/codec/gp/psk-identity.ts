import { codecError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import { plainBcd } from "../kit/bcd.ts";
import { wrapped } from "../kit/ber.ts";
import { type Codec, decode, encode, type Of } from "../kit/codec.ts";
import { mapped, octets, record, u8 } from "../kit/primitives.ts";

const eid: Codec<string> = {
  read: (from) => {
    const offset = from.offset;
    const digits = toHex(from.take(16, "EID"));
    if (!/^\d{32}$/.test(digits)) throw codecError("codec.value", "the EID is not 32 digits", offset, { field: "eid" });
    return digits;
  },
  write: (to, value) => {
    if (!/^\d{32}$/.test(value)) throw codecError("codec.text", "an EID has 32 digits", to.length, { field: "eid" });
    to.bytes(plainBcd(value));
  },
};

const full: Codec<"full"> = {
  read: (from) => {
    const offset = from.offset;
    if (from.u8() !== 2) throw codecError("codec.value", "only format 02 is known", offset, { field: "format" });
    return "full";
  },
  write: (to) => void to.u8(2),
};

/** The PSK identity of an eUICC, in the order of the table. SGP.02 §2.4.3 table 4 */
const EuiccPskIdentity = record({
  format: wrapped(0x80, full),
  eid: wrapped(0x81, eid),
  aid: wrapped(0x4f, mapped(octets(16), toHex, fromHex)),
  kid: wrapped(0x82, u8),
  kvn: wrapped(0x83, u8),
});
type EuiccPskIdentity = Of<typeof EuiccPskIdentity>;

/** The identity as it stands in the handshake: 90 hexadecimal digits, upper case. */
export function pskIdentityText(identity: Omit<EuiccPskIdentity, "format">): string {
  return toHex(encode(EuiccPskIdentity, { format: "full", ...identity }));
}

/**
 * What an identity of the SGP.02 form states, letters in any case; undefined for any other string, which may still be
 * the identity of another kind of card: look the string itself up first.
 */
export function readPskIdentity(text: string): EuiccPskIdentity | undefined {
  if (text.length !== 90 || !/^[0-9a-fA-F]+$/.test(text)) return undefined;
  try {
    return decode(EuiccPskIdentity, fromHex(text));
  } catch {
    return undefined;
  }
}
