/** An elliptic curve that GlobalPlatform keys may be on. */
export interface EcCurve {
  /** Reference octet of key parameters (tag F0). */
  readonly reference: number;
  readonly name: string;
  /** Object identifier in X.509. */
  readonly oid: string;
  /** Octets of a coordinate and of each half of a signature. */
  readonly octets: number;
  /** Name in OpenSSL; absent: OpenSSL does not have the curve. */
  readonly openssl?: string;
}

/** NIST P-256, which every card seen uses. */
export const p256: EcCurve = curve(0x00, "P-256", "1.2.840.10045.3.1.7", 32, "prime256v1");

/** The curves of GlobalPlatform key parameter references. GP Amendment E §4.2.2, §6.2 */
export const ecCurves: readonly EcCurve[] = [
  p256,
  curve(0x01, "P-384", "1.3.132.0.34", 48, "secp384r1"),
  curve(0x02, "P-521", "1.3.132.0.35", 66, "secp521r1"),
  curve(0x03, "brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7", 32, "brainpoolP256r1"),
  curve(0x04, "brainpoolP256t1", "1.3.36.3.3.2.8.1.1.8", 32, "brainpoolP256t1"),
  curve(0x05, "brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11", 48, "brainpoolP384r1"),
  curve(0x06, "brainpoolP384t1", "1.3.36.3.3.2.8.1.1.12", 48, "brainpoolP384t1"),
  curve(0x07, "brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13", 64, "brainpoolP512r1"),
  curve(0x08, "brainpoolP512t1", "1.3.36.3.3.2.8.1.1.14", 64, "brainpoolP512t1"),
  curve(0x40, "FRP256V1", "1.2.250.1.223.101.256.1", 32),
];

function curve(reference: number, name: string, oid: string, octets: number, openssl?: string): EcCurve {
  return { reference, name, oid, octets, ...(openssl === undefined ? {} : { openssl }) };
}

/** The curve of a reference octet; undefined when it is reserved. GP Amendment E §4.2.2 */
export function ecCurve(reference: number): EcCurve | undefined {
  return ecCurves.find((one) => one.reference === reference);
}
