import type { KeyObject, X509Certificate } from "node:crypto";
import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { ecCurves } from "../codec/euicc/ec-curve.ts";
import { readX509, type X509Facts } from "../codec/euicc/x509.ts";

/** Signatures on certificates that are accepted: ECDSA and RSA with SHA-256 and longer. */
const signatureAlgorithms = new Set([
  "1.2.840.10045.4.3.2",
  "1.2.840.10045.4.3.3",
  "1.2.840.10045.4.3.4",
  "1.2.840.113549.1.1.10",
  "1.2.840.113549.1.1.11",
  "1.2.840.113549.1.1.12",
  "1.2.840.113549.1.1.13",
]);

/** Object identifiers of the curves that keys may be on. */
const curves: ReadonlySet<string> = new Set(ecCurves.flatMap(({ oid, openssl }) => (openssl === undefined ? [] : oid)));

/**
 * Extensions whose meaning for CI -> EUM is either checked here or needs no check: key identifiers, key usage,
 * alternative names, basic constraints, revocation points, policies (any is accepted).
 */
const understood = new Set(["14", "35", "15", "17", "18", "19", "31", "32"].map((arc) => `2.5.29.${arc}`));

const minRsaBits = 2048;

/**
 * Checks the requirements for an issuer's certificate: version 3, a CA, allowed to sign certificates, of a known curve
 * or an RSA key that is long enough, valid at `now`, without an unknown critical extension. `below`: how many CA
 * certificates follow it in the path before the last certificate. RFC 5280 §6.1.4
 * @throws crypto.signature naming certificate and fault
 */
export function checkIssuer(certificate: X509Certificate, name: string, below: number, now: number): void {
  const facts = factsOf(certificate, name);
  const fault = faultOf(facts, below) ?? keyFault(certificate, facts);
  if (fault !== undefined) throw bad(`the ${name} certificate ${fault}`);
  if (Date.parse(certificate.validTo) < now) throw bad(`the ${name} certificate expired ${certificate.validTo}`);
  if (Date.parse(certificate.validFrom) > now)
    throw bad(`the ${name} certificate is valid only from ${certificate.validFrom}`);
}

/** Checks a manufacturer's certificate against the CI that issued it. RFC 5280 §6.1.3 @throws crypto.signature */
export function checkEumByCi(eum: X509Certificate, ci: X509Certificate, now: number): void {
  // Names are checked first: errors about key identifiers would mislead if the CI is not the issuer.
  const other = bad(`the EUM certificate was issued by ${oneLine(eum.issuer)}, not by this CI`);
  if (eum.issuer !== ci.subject) throw other;
  checkIssuer(ci, "CI", 1, now);
  if (!eum.checkIssued(ci)) throw other;
  if (!eum.verify(ci.publicKey)) throw bad("the CI's signature on the EUM certificate is wrong");
}

/** A distinguished name, which node:crypto gives one attribute a line. */
export function oneLine(name: string): string {
  return name.replaceAll("\n", ", ");
}

function factsOf(certificate: X509Certificate, name: string): X509Facts {
  try {
    return readX509(certificate.raw);
  } catch (cause) {
    if (!isGatewayError(cause)) throw cause;
    throw new GatewayError("crypto.signature", `the ${name} certificate cannot be read: ${cause.message}`, { cause });
  }
}

function faultOf(facts: X509Facts, below: number): string | undefined {
  const { version, signatureAlgorithm, basicConstraints, keyUsage, extensions } = facts;
  if (version !== 3) return `is of X.509 version ${version}, not 3`;
  if (!signatureAlgorithms.has(signatureAlgorithm))
    return `is signed with the algorithm ${signatureAlgorithm}, which is not supported`;
  const oids = extensions.map(({ oid }) => oid);
  const twice = oids.find((oid, index) => oids.indexOf(oid) !== index);
  if (twice !== undefined) return `has the extension ${twice} twice`;
  const unknown = extensions.find(({ oid, critical }) => critical && !understood.has(oid));
  if (unknown !== undefined) return `has the critical extension ${unknown.oid}, which is not supported`;
  if (basicConstraints?.ca !== true) return "is not a CA certificate (basic constraints)";
  if (keyUsage !== undefined && !keyUsage.includes("keyCertSign")) return "may not sign certificates (key usage)";
  const { maxPathLength } = basicConstraints;
  if (maxPathLength !== undefined && below > maxPathLength)
    return `allows a path of ${maxPathLength} CA certificates below it, not of ${below} (path length)`;
  return undefined;
}

function keyFault(certificate: X509Certificate, { curve }: X509Facts): string | undefined {
  const known = ecCurves.find(({ oid }) => oid === curve);
  if (curve !== undefined && !curves.has(curve))
    return `has a key of the curve ${known?.name ?? curve}, which is not supported`;
  const key = publicKeyOf(certificate);
  if (key === undefined) return "has a key that cannot be read";
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === "ec")
    return curve === undefined ? "has a key of a curve of its own, which is not supported" : undefined;
  if (asymmetricKeyType !== "rsa")
    return `has a key of the type ${asymmetricKeyType ?? "unknown"}, which is not supported`;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  return bits < minRsaBits ? `has a RSA key of ${bits} bits, fewer than ${minRsaBits}` : undefined;
}

/** The key of a certificate; undefined when node:crypto cannot read it, as of a curve that OpenSSL does not have. */
export function publicKeyOf(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

function bad(message: string): GatewayError {
  return new GatewayError("crypto.signature", message);
}
