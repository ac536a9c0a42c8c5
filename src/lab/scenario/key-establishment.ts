import { GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { Secret } from "../../base/secret.ts";
import { certificateCurve, GpCertificate } from "../../codec/euicc/certificate.ts";
import { p256 } from "../../codec/euicc/ec-curve.ts";
import { KeyEstablishment, keyControl } from "../../codec/euicc/key-establishment.ts";
import { decode, encode } from "../../codec/kit/codec.ts";
import { ecPrivateKey, newEcKey } from "../../crypto/certificates/ec-key.ts";
import { deriveKeySet, isReceipt, secondStep } from "../../crypto/key-establishment/establish.ts";

/** Key establishment between an SM-SR or SM-DP and a card, from the side of the server. SGP.02 §4.1.1.8, scenario 3 */
interface Establishment {
  /** A6, 7F49 and 5F37 for the card. */
  readonly block: string;
  /**
   * The keys, if the card's receipt proves that it derived the same ones. @throws scenario.failed for a wrong receipt
   */
  keys(receipt: Uint8Array): readonly Uint8Array[];
}

/** Parameters of a key establishment. */
interface EstablishmentOrder {
  readonly kvn: number;
  /** Private key of the off-card entity, 32 octets, NIST P-256. */
  readonly privateKey: Uint8Array;
  /** The card's random challenge. */
  readonly challenge: Uint8Array;
  /** The card's certificate, 7F21. */
  readonly ecasd: Uint8Array;
}

/** Three AES-128 keys of a secure channel: the second step of the establishment, ready for the card. */
export function establishment({ kvn, privateKey, challenge, ecasd }: EstablishmentOrder): Establishment {
  const card = decode(GpCertificate, ecasd);
  const curve = certificateCurve(card) ?? p256;
  const order = {
    control: keyControl({ kvn }),
    ephemeral: newEcKey(curve),
    card: { curve, point: card.publicKey.point },
  };
  const step = secondStep(order, ecPrivateKey(p256, new Secret(privateKey)), challenge);
  return {
    block: toHex(encode(KeyEstablishment, step)),
    keys: (receipt) => {
      const derived = deriveKeySet(order);
      if (!isReceipt(derived, receipt))
        throw new GatewayError("scenario.failed", "the card's receipt does not match: the card derived different keys");
      return derived.keySet.keys.map((key) => key.reveal());
    },
  };
}
