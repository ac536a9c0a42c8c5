import { concatBytes } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { oidOctets } from "./certificate.ts";
import type { EcCurve } from "./ec-curve.ts";

/** A CA certificate that is to be made: CI (its own issuer) or EUM. SGP.02 §2.3.2.1, RFC 5280 §4.1 */
export interface X509Order {
  /** Positive, up to 20 octets. */
  readonly serialNumber: Uint8Array;
  readonly issuer: X509Name;
  readonly subject: X509Name;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
  readonly publicKey: { readonly curve: EcCurve; readonly point: Uint8Array };
  readonly subjectKeyId: Uint8Array;
  readonly authorityKeyId: Uint8Array;
  /** Object identifier of the entity, written as registeredID. */
  readonly registeredId: string;
  /** CA certificates that may follow in a path. */
  readonly maxPathLength?: number;
}

/** A distinguished name of two attributes. */
export interface X509Name {
  readonly organization: string;
  readonly commonName: string;
}

const sequence = (...parts: readonly Uint8Array[]) => tlvBytes(0x30, ...parts);
const oid = (text: string) => tlvBytes(0x06, oidOctets(text));
const truth = Uint8Array.of(0x01, 0x01, 0xff);
const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));

/** The part of a certificate that its issuer signs by ECDSA with SHA-256. RFC 5280 §4.1.2 */
export function x509ToBeSigned(order: X509Order): Uint8Array {
  return sequence(
    tlvBytes(0xa0, Uint8Array.of(0x02, 0x01, 0x02)),
    positiveInteger(order.serialNumber),
    ecdsaWithSha256,
    name(order.issuer),
    sequence(time(order.validFrom), time(order.validTo)),
    name(order.subject),
    subjectPublicKeyInfo(order.publicKey),
    tlvBytes(0xa3, sequence(...extensionsOf(order))),
  );
}

/** A certificate of its signed part and the DER signature over it. RFC 5280 §4.1.1 */
export function x509Certificate(toBeSigned: Uint8Array, signature: Uint8Array): Uint8Array {
  return sequence(toBeSigned, ecdsaWithSha256, bitString(signature));
}

/** A public key as X.509 and OpenSSL contain it. RFC 5480 §2 */
export function subjectPublicKeyInfo(key: X509Order["publicKey"]): Uint8Array {
  return sequence(sequence(oid("1.2.840.10045.2.1"), oid(key.curve.oid)), bitString(key.point));
}

/** A private key as OpenSSL reads it. RFC 5915 §3 */
export function ecPrivateKeyDer(curve: EcCurve, scalar: Uint8Array, point: Uint8Array): Uint8Array {
  return sequence(
    Uint8Array.of(0x02, 0x01, 0x01),
    tlvBytes(0x04, scalar),
    tlvBytes(0xa0, oid(curve.oid)),
    tlvBytes(0xa1, bitString(point)),
  );
}

function extensionsOf({ maxPathLength, subjectKeyId, authorityKeyId, registeredId }: X509Order): Uint8Array[] {
  const pathLength = maxPathLength === undefined ? [] : [positiveInteger(Uint8Array.of(maxPathLength))];
  return [
    extension("2.5.29.19", sequence(truth, ...pathLength), truth),
    // keyCertSign and cRLSign
    extension("2.5.29.15", Uint8Array.of(0x03, 0x02, 0x01, 0x06), truth),
    extension("2.5.29.14", tlvBytes(0x04, subjectKeyId)),
    extension("2.5.29.17", sequence(tlvBytes(0x88, oidOctets(registeredId)))),
    extension("2.5.29.35", sequence(tlvBytes(0x80, authorityKeyId))),
  ];
}

function extension(id: string, value: Uint8Array, ...critical: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(id), ...critical, tlvBytes(0x04, value));
}

function name({ organization, commonName }: X509Name): Uint8Array {
  const attribute = (id: string, text: string) =>
    tlvBytes(0x31, sequence(oid(id), tlvBytes(0x0c, new TextEncoder().encode(text))));
  return sequence(attribute("2.5.4.10", organization), attribute("2.5.4.3", commonName));
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on. RFC 5280 §4.1.2.5 */
function time(ms: number): Uint8Array {
  const digits = `${new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14)}Z`;
  const short = digits < "2050";
  return tlvBytes(short ? 0x17 : 0x18, new TextEncoder().encode(short ? digits.slice(2) : digits));
}

function positiveInteger(octets: Uint8Array): Uint8Array {
  const start = octets.findIndex((octet) => octet !== 0);
  const significant = start < 0 ? Uint8Array.of(0) : octets.subarray(start);
  return tlvBytes(0x02, (significant[0] ?? 0) < 0x80 ? significant : concatBytes(Uint8Array.of(0), significant));
}

function bitString(octets: Uint8Array): Uint8Array {
  return tlvBytes(0x03, Uint8Array.of(0), octets);
}
