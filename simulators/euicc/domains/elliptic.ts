import { createECDH, createHash, createPublicKey, verify } from "node:crypto";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";

/** Curves of key establishment: reference octet F0, and the name OpenSSL has for it. GP Amendment E table 4-3 */
export type Curve = "prime256v1" | "brainpoolP256r1";

/** The curve of a key parameter reference; undefined for one the card does not have. */
export function curveOf(reference: number): Curve | undefined {
  return reference === 0x00 ? "prime256v1" : reference === 0x03 ? "brainpoolP256r1" : undefined;
}

/** SubjectPublicKeyInfo up to the point: id-ecPublicKey and the curve. RFC 5480 §2.1.1, RFC 5639 §4.1 */
const keyInfoHead: Readonly<Record<Curve, string>> = {
  prime256v1: "3059301306072A8648CE3D020106082A8648CE3D030107034200",
  brainpoolP256r1: "305A301406072A8648CE3D020106092B2403030208010107034200",
};

/** Curve order of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const big = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes) || "0"}`);

function octets32(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(64, "0"), "hex"));
}

/** Uncompressed public point (65 octets) of a P-256 private key. */
export function publicPoint(privateKey: Uint8Array): Uint8Array {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(privateKey);
  return new Uint8Array(ecdh.getPublicKey());
}

/** X coordinate of the shared point, all 32 octets. @throws when the peer's point is not on the curve */
export function sharedSecret(privateKey: Uint8Array, peerPoint: Uint8Array, curve: Curve = "prime256v1"): Uint8Array {
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(privateKey);
  return new Uint8Array(ecdh.computeSecret(peerPoint));
}

/** Checks a raw r‖s signature over SHA-256 of the message. False for anything malformed. */
export function verifySignature(
  point: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  curve: Curve = "prime256v1",
): boolean {
  if (point.length !== 65 || point[0] !== 0x04 || signature.length !== 64) return false;
  try {
    const info = concatBytes(fromHex(keyInfoHead[curve]), point);
    const key = createPublicKey({ key: Buffer.from(info), format: "der", type: "spki" });
    return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
  } catch {
    return false;
  }
}

function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value % order, order, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [b, a] = [a, b % a];
    [y, x] = [x, y - quotient * x];
  }
  return ((x % order) + order) % order;
}

/**
 * A raw r‖s signature that is the same each time: the per-message secret is a hash of key and message, so that a card
 * made from a seed is the same card each time. Test keys only.
 */
export function signDeterministically(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  const hash = createHash("sha256").update(message).digest();
  const k = big(createHash("sha256").update(concatBytes(privateKey, hash)).digest()) % order;
  const r = big(publicPoint(octets32(k)).subarray(1, 33)) % order;
  const s = (inverse(k) * (big(hash) + r * big(privateKey))) % order;
  return concatBytes(octets32(r), octets32(s));
}

/** X9.63 key derivation with SHA-256. BSI TR-03111 §4.3.3 */
export function deriveKeys(secret: Uint8Array, sharedInfo: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 1; parts.length * 32 < length; i++) {
    parts.push(
      createHash("sha256")
        .update(concatBytes(secret, Uint8Array.of(0, 0, 0, i), sharedInfo))
        .digest(),
    );
  }
  return concatBytes(...parts).slice(0, length);
}
