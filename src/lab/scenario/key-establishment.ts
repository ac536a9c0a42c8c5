import { createECDH, createHash, createPrivateKey, sign } from "node:crypto";
import { GatewayError } from "../../base/gateway-error.ts";
import { concatBytes, toHex } from "../../base/hex.ts";
import { GpCertificate } from "../../codec/euicc/certificate.ts";
import { KeyControl, keyEstablishmentSigned } from "../../codec/euicc/key-establishment.ts";
import { tlvBytes } from "../../codec/kit/ber.ts";
import { decode, encode } from "../../codec/kit/codec.ts";
import { aesCmac } from "../../crypto/mac.ts";

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
  const ephemeral = createECDH("prime256v1");
  const publicPoint = new Uint8Array(ephemeral.generateKeys());
  const control: KeyControl = {
    scenario: { id: 3, deleteKeys: kvn >= 0x30, derivationRandom: false, hostId: false, certificateVerified: true },
    usage: 0x10,
    access: undefined,
    keyType: 0x88,
    keyLength: 16,
    keyId: 1,
    kvn,
    counter: new Uint8Array(0),
    sdin: undefined,
    hostId: undefined,
  };
  const signed = keyEstablishmentSigned(control, publicPoint, challenge);
  const signature = sign("sha256", signed, { key: signingKey(privateKey), dsaEncoding: "ieee-p1363" });
  const a6 = tlvBytes(0xa6, encode(KeyControl, control));
  const block = concatBytes(a6, tlvBytes(0x7f49, publicPoint), tlvBytes(0x5f37, signature));
  return {
    block: toHex(block),
    keys: (receipt) => {
      const cardPoint = decode(GpCertificate, ecasd).publicKey.point;
      const secret = new Uint8Array(ephemeral.computeSecret(cardPoint));
      const material = derive(secret, Uint8Array.of(0x10, 0x88, 0x10), 64);
      const expected = aesCmac(material.subarray(0, 16))(a6);
      if (toHex(expected) !== toHex(receipt))
        throw new GatewayError("scenario.failed", "the card's receipt does not match: the card derived different keys");
      return [16, 32, 48].map((at) => material.slice(at, at + 16));
    },
  };
}

/** X9.63 key derivation with SHA-256. BSI TR-03111 §4.3.3 */
function derive(secret: Uint8Array, sharedInfo: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let count = 1; parts.length * 32 < length; count++) {
    const counter = Uint8Array.of(0, 0, 0, count);
    parts.push(
      createHash("sha256")
        .update(concatBytes(secret, counter, sharedInfo))
        .digest(),
    );
  }
  return concatBytes(...parts).slice(0, length);
}

function signingKey(privateKey: Uint8Array) {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(privateKey);
  const point = ecdh.getPublicKey();
  const text = (octets: Uint8Array) => Buffer.from(octets).toString("base64url");
  return createPrivateKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      d: text(privateKey),
      x: text(point.subarray(1, 33)),
      y: text(point.subarray(33)),
    },
  });
}
