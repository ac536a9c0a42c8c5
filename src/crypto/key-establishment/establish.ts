import { createHash } from "node:crypto";
import { concatBytes } from "../../base/hex.ts";
import { Secret } from "../../base/secret.ts";
import {
  type DerivationInput,
  ephemeralKeyWithCurve,
  establishedKeyCount,
  type KeyControl,
  type KeyEstablishment,
  keyEstablishmentSigned,
  receiptInput,
  sharedInformation,
} from "../../codec/euicc/key-establishment.ts";
import { type EcPrivateKey, type EcPublicKey, sharedSecret, signEcdsa } from "../certificates/ec-key.ts";
import { aesCmac, equalSecret } from "../mac.ts";

/** The off-card side of a key establishment, scenario 3: what it contributes. GP Amendment E §4.6, SGP.02 §4.1.3.1 */
export interface Establishment {
  readonly control: KeyControl;
  /** Key pair of this establishment alone, on the curve of the card's key. */
  readonly ephemeral: EcPrivateKey;
  /** Key of the ECASD certificate. */
  readonly card: EcPublicKey;
  /** Issuer identification (tag 42) of the ECASD, if identifiers enter the derivation. */
  readonly sin?: Uint8Array;
  /**
   * Octets of the receipt key; as many as of the others without it. No card has confirmed either for keys of 24 and 32
   * octets.
   */
  readonly receiptKeyOctets?: 16 | 24 | 32;
}

/** An established key set. */
export interface EstablishedKeys {
  readonly kvn: number;
  /** Identifier of the first key. */
  readonly firstId: number;
  /** `88` AES, `85` PSK. */
  readonly type: number;
  /** ENC, MAC, DEK of SCP03; KIc, KID, KIK of SCP80; the PSK of SCP81. */
  readonly keys: readonly Secret[];
  /** Sequence counter that the set starts with. */
  readonly counter: Uint8Array;
}

/**
 * The second step for the card: the template, the ephemeral key, and the signature over both and the card's challenge,
 * made with the private key of the certificate. The ephemeral key is written with its curve only on demand.
 * SGP.02 §4.1.3.1
 * @throws crypto.algorithm
 */
export function secondStep(
  { control, ephemeral }: Establishment,
  signer: EcPrivateKey,
  randomChallenge: Uint8Array,
  form: "point" | "point-and-curve" = "point",
): KeyEstablishment {
  const { point, curve } = ephemeral;
  const ephemeralKey = form === "point" ? point : ephemeralKeyWithCurve(point, curve);
  const signature = signEcdsa(signer, keyEstablishmentSigned(control, ephemeralKey, randomChallenge));
  return { control, ephemeralKey, signature };
}

/** The keys that follow from an establishment, and the receipt that proves that the card has them. */
interface DerivedKeys {
  readonly receiptKey: Secret;
  readonly keySet: EstablishedKeys;
  /** 16 octets. */
  readonly receipt: Uint8Array;
}

/**
 * Derives the key set. A card that adds no DR lets the host do this before its answer. GP Amendment E §4.6, §4.7
 * @throws crypto.key for a point that is not on the curve, codec.value when DR, HostID, SIN or SDIN is missing
 */
export function deriveKeySet(establishment: Establishment, derivationRandom?: Uint8Array): DerivedKeys {
  const { control, ephemeral, card, sin, receiptKeyOctets = control.keyLength } = establishment;
  const input: DerivationInput = { derivationRandom, sin };
  const count = establishedKeyCount(control);
  const material = x963(
    sharedSecret(ephemeral, card.point),
    sharedInformation(control, input),
    receiptKeyOctets + count * control.keyLength,
  );
  const receiptKey = material.slice(0, receiptKeyOctets);
  const keys = Array.from({ length: count }, (_, index) => {
    const start = receiptKeyOctets + index * control.keyLength;
    return new Secret(material.slice(start, start + control.keyLength));
  });
  const { kvn, keyId, keyType, counter } = control;
  return {
    receiptKey: new Secret(receiptKey),
    keySet: { kvn, firstId: keyId, type: keyType, keys, counter },
    receipt: aesCmac(receiptKey)(receiptInput(control, derivationRandom)),
  };
}

/** Whether the card's receipt is the expected one, in constant time. GP Amendment E §4.7 */
export function isReceipt({ receipt }: DerivedKeys, given: Uint8Array): boolean {
  return equalSecret(receipt, given);
}

/** Key derivation of ANSI X9.63 with SHA-256: blocks are hashed and joined. BSI TR-03111 §4.3.3 */
export function x963(secret: Secret, sharedInfo: Uint8Array, octets: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(octets / 32) }, (_, index) => {
    const count = Uint8Array.of(0, 0, 0, index + 1);
    return createHash("sha256").update(secret.reveal()).update(count).update(sharedInfo).digest();
  });
  return concatBytes(...blocks).slice(0, octets);
}
