import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { hexTag, tlvBytes } from "../kit/ber.ts";
import { type Codec, decode, encode, type Of } from "../kit/codec.ts";
import { rest, u8 } from "../kit/primitives.ts";
import { maybe, template, tlv } from "../kit/template.ts";
import { dgiBytes } from "./dgi.ts";
import type { EcCurve } from "./ec-curve.ts";
import { lv } from "./es5/apdu.ts";
import { keySetUse } from "./key-set.ts";

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

/** The two usages of an established key set and their keys without the receipt key. GP Amendment E §4.6 */
const usages = { secureChannel: { octet: 0x10, keys: 3 }, oneKey: { octet: 0x5c, keys: 1 } } as const;

/** The keys of a set that is to be established. */
interface KeyOrder {
  /** 01-0F SCP80, 30-3F SCP03, 40-4F SCP81. */
  readonly kvn: number;
  /** Octets of each key; 16 without it. */
  readonly keyOctets?: 16 | 24 | 32;
  /** The card deletes the other keys of the domain; without it only for an ISD-P (SCP03). */
  readonly deleteKeys?: boolean;
  /** The card adds a random number to the derivation. */
  readonly derivationRandom?: boolean;
  /** Identifiers that enter the derivation; the SDIN is that of the ECASD. */
  readonly identifiers?: { readonly hostId: Uint8Array; readonly sdin?: Uint8Array };
  /** Initial sequence counter, up to 8 octets; empty without it, which means 0. */
  readonly counter?: Uint8Array;
  /** Key access, tag 96; absent without it. */
  readonly access?: number;
  /** Identifier of the first key; 1 without it. */
  readonly keyId?: number;
}

/** The control reference template for a key set. SGP.02 §4.1.1.8, §4.1.3.1 @throws codec.value for another KVN */
export function keyControl(order: KeyOrder): KeyControl {
  const use = keySetUse(order.kvn);
  if (use !== "SCP80" && use !== "SCP03" && use !== "SCP81") {
    throw codecError("codec.value", `kvn: a key set of version ${hexTag(order.kvn)} cannot be established`, 0, {
      field: "kvn",
    });
  }
  return {
    scenario: {
      id: 3,
      deleteKeys: order.deleteKeys ?? use === "SCP03",
      derivationRandom: order.derivationRandom ?? false,
      hostId: order.identifiers !== undefined,
      certificateVerified: true,
    },
    usage: (use === "SCP81" ? usages.oneKey : usages.secureChannel).octet,
    access: order.access,
    keyType: use === "SCP81" ? 0x85 : 0x88,
    keyLength: order.keyOctets ?? 16,
    keyId: order.keyId ?? 1,
    kvn: order.kvn,
    counter: order.counter ?? new Uint8Array(0),
    sdin: order.identifiers?.sdin,
    hostId: order.identifiers?.hostId,
  };
}

/** How many keys besides the receipt key a template asks for. GP Amendment E §4.6 @throws codec.value */
export function establishedKeyCount({ usage }: KeyControl): number {
  const found = Object.values(usages).find(({ octet }) => octet === usage);
  if (found === undefined)
    throw codecError("codec.value", `key usage ${hexTag(usage)} is not supported`, 0, { field: "usage" });
  return found.keys;
}

/** What enters the derivation besides the shared secret. GP Amendment E §4.6, BSI TR-03111 §4.3.3 */
export interface DerivationInput {
  /** DR of the card's answer, if the template asks for one. */
  readonly derivationRandom?: Uint8Array | undefined;
  /** Issuer identification (tag 42) of the ECASD, if identifiers are used. */
  readonly sin?: Uint8Array | undefined;
}

/**
 * Shared information of the derivation: usage, type and length; then DR without a length; then HostID, SIN and SDIN,
 * each behind its length. GP Amendment E §4.6
 * @throws codec.value when the template asks for what is not given
 */
export function sharedInformation(control: KeyControl, { derivationRandom, sin }: DerivationInput): Uint8Array {
  const { scenario: bits, usage, keyType, keyLength, hostId, sdin } = control;
  const needed = (value: Uint8Array | undefined, field: string) => {
    if (value === undefined) throw codecError("codec.value", `${field} is missing in the derivation`, 0, { field });
    return value;
  };
  return concatBytes(
    Uint8Array.of(usage, keyType, keyLength),
    bits.derivationRandom ? needed(derivationRandom, "DR") : new Uint8Array(0),
    ...(bits.hostId ? [lv(needed(hostId, "HostID")), lv(needed(sin, "SIN")), lv(needed(sdin, "SDIN"))] : []),
  );
}

/** What the card's receipt covers: the template, then DR if there is one. GP Amendment E §4.7 */
export function receiptInput(control: KeyControl, derivationRandom: Uint8Array | undefined): Uint8Array {
  const dr = derivationRandom === undefined ? new Uint8Array(0) : tlvBytes(0x85, derivationRandom);
  return concatBytes(controlBytes(control), dr);
}

/** Answer data of the last certificate block: the card's random challenge. SGP.02 §4.1.3.1 */
export const CertificateAnswer = template({ randomChallenge: tlv(0x85, rest) });

/** Answer data of the second step: DR, if it was asked for, and the receipt. SGP.02 §4.1.3.1 */
export const KeyAnswer = template({ derivationRandom: maybe(tlv(0x85, rest)), receipt: tlv(0x86, rest) });

function controlBytes(control: KeyControl): Uint8Array {
  return tlvBytes(0xa6, encode(KeyControl, control));
}

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

/** An ephemeral key as `B0 L point F0 01 curve`, which no card is known to require. GP Amendment E §6.2 */
export function ephemeralKeyWithCurve(point: Uint8Array, curve: EcCurve): Uint8Array {
  return concatBytes(tlvBytes(0xb0, point), tlvBytes(0xf0, Uint8Array.of(curve.reference)));
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
    dgiBytes(0x3a02, controlBytes(control)),
    tlvBytes(0x7f49, ephemeralKey),
    dgiBytes(0x0085, randomChallenge),
  );
}

/** The value of the DGI block: 3A02 counts only the control template, key and signature follow it. */
export function keyEstablishmentBlock(value: KeyEstablishment): Uint8Array {
  return concatBytes(
    dgiBytes(0x3a02, controlBytes(value.control)),
    tlvBytes(0x7f49, value.ephemeralKey),
    tlvBytes(0x5f37, value.signature),
  );
}
