import { concatBytes } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { type Codec, decode, encode, type Of } from "../kit/codec.ts";
import { rest, u8 } from "../kit/primitives.ts";
import { maybe, template, tlv } from "../kit/template.ts";
import { dgiBytes } from "./dgi.ts";

const scenario: Codec<{
  readonly id: number;
  readonly deleteKeys: boolean;
  readonly derivationRandom: boolean;
  readonly hostId: boolean;
  readonly certificateVerified: boolean;
}> = {
  read: (from) => {
    const id = from.u8("scenario");
    const bits = from.u8("scenario parameters");
    return {
      id,
      deleteKeys: (bits & 0x01) !== 0,
      derivationRandom: (bits & 0x02) !== 0,
      hostId: (bits & 0x04) !== 0,
      certificateVerified: (bits & 0x08) !== 0,
    };
  },
  write: (to, value) =>
    void to
      .u8(value.id)
      .u8(
        (value.deleteKeys ? 1 : 0) |
          (value.derivationRandom ? 2 : 0) |
          (value.hostId ? 4 : 0) |
          (value.certificateVerified ? 8 : 0),
      ),
};

/** Control reference template A6 of a key establishment, scenario 3. GP Amendment E, SGP.02 §4.1.1.8 */
export const KeyControl = template({
  scenario: tlv(0x90, scenario),
  /** `10` = three keys of a secure channel, `5C` = one key. */
  usage: tlv(0x95, u8),
  access: maybe(tlv(0x96, u8)),
  /** `88` AES, `85` PSK. */
  keyType: tlv(0x80, u8),
  keyLength: tlv(0x81, u8),
  keyId: tlv(0x82, u8),
  kvn: tlv(0x83, u8),
  /** Initial sequence counter; empty = 0. */
  counter: tlv(0x91, rest),
  sdin: maybe(tlv(0x45, rest)),
  hostId: maybe(tlv(0x84, rest)),
});
export type KeyControl = Of<typeof KeyControl>;

/** The second step of a key establishment: what is made, the ephemeral key, the signature. SGP.02 §4.1.1.8 */
export const KeyEstablishment = template({
  control: tlv(0xa6, KeyControl),
  /** Uncompressed point, or `B0 L point F0 01 curve`; as it stands. */
  ephemeralKey: tlv(0x7f49, rest),
  signature: tlv(0x5f37, rest),
});
export type KeyEstablishment = Of<typeof KeyEstablishment>;

/** The point of an ephemeral key in either spelling. @throws codec.* */
export function ephemeralPoint(ephemeralKey: Uint8Array): Uint8Array {
  if (ephemeralKey[0] !== 0xb0) return ephemeralKey;
  return decode(template({ point: tlv(0xb0, rest), curve: maybe(tlv(0xf0, rest)) }), ephemeralKey).point;
}

/**
 * What the off-card entity signs: DGI 3A02 with the control template, the ephemeral key, and the card's random
 * challenge in a pseudo DGI 0085. SGP.02 §4.1.1.8
 */
export function keyEstablishmentSigned(
  control: KeyControl,
  ephemeralKey: Uint8Array,
  randomChallenge: Uint8Array,
): Uint8Array {
  return concatBytes(
    dgiBytes(0x3a02, tlvBytes(0xa6, encode(KeyControl, control))),
    tlvBytes(0x7f49, ephemeralKey),
    dgiBytes(0x0085, randomChallenge),
  );
}

/** The value of the DGI block: 3A02 counts only the control template, key and signature follow it. */
export function keyEstablishmentBlock(value: KeyEstablishment): Uint8Array {
  return concatBytes(
    dgiBytes(0x3a02, tlvBytes(0xa6, encode(KeyControl, value.control))),
    tlvBytes(0x7f49, value.ephemeralKey),
    tlvBytes(0x5f37, value.signature),
  );
}
