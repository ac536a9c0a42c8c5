import { createECDH, createPrivateKey, createPublicKey, type ECDH, type KeyObject, sign, verify } from "node:crypto";
import { GatewayError } from "../../base/gateway-error.ts";
import { Secret } from "../../base/secret.ts";
import { type EcCurve, ecCurves } from "../../codec/euicc/ec-curve.ts";
import { ecPrivateKeyDer, subjectPublicKeyInfo } from "../../codec/euicc/x509-build.ts";
import { readTlvs } from "../../codec/kit/ber.ts";

/** A public key: an uncompressed point (`04 X Y`) on a curve. */
export interface EcPublicKey {
  readonly curve: EcCurve;
  readonly point: Uint8Array;
}

/** A private key with its public one. */
export interface EcPrivateKey extends EcPublicKey {
  /** As long as a coordinate, leading zeros kept. */
  readonly scalar: Secret;
}

/** The name of a curve in OpenSSL. @throws crypto.algorithm for FRP256V1 and other curves that OpenSSL does not have */
function opensslName(curve: EcCurve): string {
  if (curve.openssl !== undefined) return curve.openssl;
  throw new GatewayError(
    "crypto.algorithm",
    `the key is on the curve ${curve.name}, which is not supported; P-256 and brainpoolP256r1 are`,
    { detail: { curve: curve.name } },
  );
}

function badKey(message: string): GatewayError {
  return new GatewayError("crypto.key", message);
}

function ecdhOf({ curve, scalar }: Pick<EcPrivateKey, "curve" | "scalar">): ECDH {
  const ecdh = createECDH(opensslName(curve));
  try {
    ecdh.setPrivateKey(scalar.reveal());
  } catch {
    throw badKey(`not a private key of the curve ${curve.name}`);
  }
  return ecdh;
}

/** A private key of its scalar. @throws crypto.key, crypto.algorithm */
export function ecPrivateKey(curve: EcCurve, scalar: Secret): EcPrivateKey {
  if (scalar.length !== curve.octets)
    throw badKey(`a private key of the curve ${curve.name} must have ${curve.octets} octets, not ${scalar.length}`);
  return { curve, scalar, point: new Uint8Array(ecdhOf({ curve, scalar }).getPublicKey()) };
}

/** A new key pair. @throws crypto.algorithm */
export function newEcKey(curve: EcCurve): EcPrivateKey {
  const ecdh = createECDH(opensslName(curve));
  const point = new Uint8Array(ecdh.generateKeys());
  const scalar = new Uint8Array(curve.octets);
  const octets = ecdh.getPrivateKey();
  scalar.set(octets, curve.octets - octets.length);
  return { curve, point, scalar: new Secret(scalar) };
}

/** A public key for node:crypto. @throws crypto.key for a point that is not on the curve, crypto.algorithm */
export function publicKeyObject(key: EcPublicKey): KeyObject {
  opensslName(key.curve);
  if (key.point.length !== 2 * key.curve.octets + 1 || key.point[0] !== 0x04)
    throw badKey(`a point of the curve ${key.curve.name} must have ${2 * key.curve.octets + 1} octets from 04 on`);
  try {
    return createPublicKey({ key: Buffer.from(subjectPublicKeyInfo(key)), format: "der", type: "spki" });
  } catch {
    throw badKey(`the point is not on the curve ${key.curve.name}`);
  }
}

/** A private key for node:crypto. @throws crypto.algorithm */
export function privateKeyObject({ curve, scalar, point }: EcPrivateKey): KeyObject {
  opensslName(curve);
  const key = Buffer.from(ecPrivateKeyDer(curve, scalar.reveal(), point));
  return createPrivateKey({ key, format: "der", type: "sec1" });
}

/** Curve and point of a public key. @throws crypto.algorithm when it is of no curve of GlobalPlatform */
export function ecPublicKeyOf(key: KeyObject): EcPublicKey {
  const name = key.asymmetricKeyDetails?.namedCurve;
  const curve = ecCurves.find(({ openssl }) => openssl !== undefined && openssl === name);
  if (key.asymmetricKeyType !== "ec" || curve === undefined)
    throw new GatewayError("crypto.algorithm", `a key of the type ${name ?? key.asymmetricKeyType} is not supported`);
  const spki = key.export({ type: "spki", format: "der" });
  return { curve, point: new Uint8Array(spki.subarray(spki.length - 2 * curve.octets - 1)) };
}

/** A private key from PEM, PKCS#8 or SEC1. @throws crypto.key, crypto.algorithm */
export function readEcPrivateKey(pem: string): EcPrivateKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The error of the platform may quote the file.
    throw badKey("not a private key in PEM");
  }
  const { curve, point } = ecPublicKeyOf(createPublicKey(key));
  const [sequence] = readTlvs(key.export({ type: "sec1", format: "der" }));
  const octets = sequence === undefined ? undefined : readTlvs(sequence.value).find(({ tag }) => tag === 0x04)?.value;
  if (octets === undefined || octets.length > curve.octets) throw badKey("not an EC private key");
  const scalar = new Uint8Array(curve.octets);
  scalar.set(octets, curve.octets - octets.length);
  return { curve, point, scalar: new Secret(scalar) };
}

/** A private key as PKCS#8 PEM. @throws crypto.algorithm */
export function ecPrivateKeyPem(key: EcPrivateKey): string {
  return privateKeyObject(key).export({ type: "pkcs8", format: "pem" }).toString();
}

/** The hash of a signature with a key whose coordinates have this many octets. SGP.02 §2.3.3 */
function hashFor(octets: number): "sha256" | "sha384" | "sha512" {
  return octets > 48 ? "sha512" : octets > 32 ? "sha384" : "sha256";
}

/** ECDSA signature r | s, each as long as a coordinate, leading zeros kept. GP Amendment E §4.4 @throws crypto.algorithm */
export function signEcdsa(key: EcPrivateKey, data: Uint8Array): Uint8Array {
  const object = privateKeyObject(key);
  return new Uint8Array(sign(hashFor(key.curve.octets), data, { key: object, dsaEncoding: "ieee-p1363" }));
}

/** Whether r | s is a signature over the data. GP Amendment E §4.4 */
export function verifyEcdsa(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  if (key.asymmetricKeyType !== "ec") return false;
  return verify(hashFor(signature.length / 2), data, { key, dsaEncoding: "ieee-p1363" }, signature);
}

/** X coordinate of the ECDH point, leading zeros kept. BSI TR-03111 §4.3.1 @throws crypto.key, crypto.algorithm */
export function sharedSecret(key: EcPrivateKey, point: Uint8Array): Secret {
  try {
    return new Secret(new Uint8Array(ecdhOf(key).computeSecret(point)));
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw badKey(`the point is not on the curve ${key.curve.name}`);
  }
}
