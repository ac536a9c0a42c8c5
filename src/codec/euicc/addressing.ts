import { type CatTlv, catTlvBytes, readCatTlvs } from "../cat/comprehension.ts";
import { Address } from "../cat/object.ts";
import { readTlvs, type Tlv, tlvBytes } from "../kit/ber.ts";
import { type Codec, decode, encode, type Of } from "../kit/codec.ts";
import { maybe, template, tlv } from "../kit/template.ts";
import { type SmsAddress, TpAddress } from "../sms/address.ts";

/** Where the eUICC reaches its SM-SR; only the templates present are changed. SGP.02 §4.1.1.10 */
export interface SmsrAddressing {
  /** Destination address of its short messages. */
  readonly sms?: SmsAddress;
  /** Value of the CAT_TP template as it stands. */
  readonly catTp?: Uint8Array;
  /** Administration session parameters (84, 85, 86, 89) as they stand. GP Amendment B §3.8 */
  readonly https?: Uint8Array;
  /** Templates without a name here (DNS, A3 with per-profile addresses), written back unchanged. */
  readonly others?: readonly Pick<Tlv, "tag" | "value">[];
}

function smsOf(found: Tlv): SmsAddress | undefined {
  const inner = readTlvs(found.value, found.valueOffset);
  const [address] = inner;
  if (inner.length !== 1 || address === undefined || address.tag !== 0x81) return undefined;
  return decode(TpAddress, address.value, address.valueOffset);
}

export const SmsrAddressing: Codec<SmsrAddressing> = {
  read: (from) => {
    const offset = from.offset;
    let value: SmsrAddressing = {};
    const others: Pick<Tlv, "tag" | "value">[] = [];
    for (const found of readTlvs(from.rest(), offset)) {
      const sms = found.tag === 0xa3 && value.sms === undefined ? smsOf(found) : undefined;
      if (sms !== undefined) value = { ...value, sms };
      else if (found.tag === 0xa4 && value.catTp === undefined) value = { ...value, catTp: found.value };
      else if (found.tag === 0xa5 && value.https === undefined) value = { ...value, https: found.value };
      else others.push({ tag: found.tag, value: found.value });
    }
    return others.length === 0 ? value : { ...value, others };
  },
  write: (to, value) => {
    if (value.sms !== undefined) to.bytes(tlvBytes(0xa3, tlvBytes(0x81, encode(TpAddress, value.sms))));
    if (value.catTp !== undefined) to.bytes(tlvBytes(0xa4, value.catTp));
    if (value.https !== undefined) to.bytes(tlvBytes(0xa5, value.https));
    for (const other of value.others ?? []) to.bytes(tlvBytes(other.tag, other.value));
  },
};

/** Bearer, access point and login of a profile as COMPREHENSION-TLVs. */
const bearerParameters: Codec<readonly CatTlv[]> = {
  read: (from) => {
    const offset = from.offset;
    return readCatTlvs(from.rest(), offset);
  },
  write: (to, value) => void to.bytes(catTlvBytes(value)),
};

/** Connectivity parameters of a profile. SGP.02 §4.1.3.4 */
export const ConnectivityParameters = template({
  sms: maybe(tlv(0xa0, template({ serviceCentre: maybe(tlv([0x06, 0x86], Address)) }))),
  catTp: maybe(tlv(0xa1, bearerParameters)),
  https: maybe(tlv(0xa2, bearerParameters)),
});
export type ConnectivityParameters = Of<typeof ConnectivityParameters>;

/** POL1 rules of a profile. SGP.02 §3.6 */
export interface Pol1 {
  readonly disablingNotAllowed: boolean;
  readonly deletionNotAllowed: boolean;
  readonly deleteWhenDisabled: boolean;
}

const pol1Octet: Codec<Pol1> = {
  read: (from) => {
    const octet = from.u8("POL1");
    return {
      disablingNotAllowed: (octet & 0x01) !== 0,
      deletionNotAllowed: (octet & 0x02) !== 0,
      deleteWhenDisabled: (octet & 0x04) !== 0,
    };
  },
  write: (to, value) =>
    void to.u8(
      (value.disablingNotAllowed ? 1 : 0) | (value.deletionNotAllowed ? 2 : 0) | (value.deleteWhenDisabled ? 4 : 0),
    ),
};

/** POL1 in the data grouping that changes it. SGP.02 §4.1.3.6 */
export const Pol1Update = template({ rules: tlv(0x81, pol1Octet) });
