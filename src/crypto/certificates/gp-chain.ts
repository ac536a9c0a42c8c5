import { type KeyObject, X509Certificate } from "node:crypto";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { equalBytes, toHex } from "../../base/hex.ts";
import {
  type CertificateRole,
  certificateCurve,
  certificateDate,
  certificateRole,
  certificateSigned,
  certificateSubject,
  GpCertificate,
} from "../../codec/euicc/certificate.ts";
import { readX509 } from "../../codec/euicc/x509.ts";
import { decode } from "../../codec/kit/codec.ts";
import { checkEumByCi, checkIssuer, publicKeyOf } from "../certificate-path.ts";
import { type EcPublicKey, publicKeyObject, verifyEcdsa } from "./ec-key.ts";

/** What a finding is about. */
export type FindingCode =
  /** Not a certificate: cannot be overridden. */
  | "form"
  /** Its key is on a reserved curve: cannot be overridden. */
  | "curve"
  /** Its key is on a curve that is not supported, such as FRP256V1: cannot be overridden. */
  | "unsupported-curve"
  /** Its key is not a point of its curve: cannot be overridden. */
  | "public-key"
  /** The certificate of the issuer was not given. */
  | "unchecked"
  /** A fault of an X.509 certificate above it. */
  | "issuer"
  | "signature"
  | "subject"
  | "key-usage"
  | "role"
  | "authority-key"
  | "dates";

/** A fault of a certificate. An operator may accept those that can be overridden: test cards have test chains. */
interface CertificateFinding {
  readonly code: FindingCode;
  readonly message: string;
  readonly overridable: boolean;
}

/** The key that signed a certificate, as far as it is known. */
interface CertificateIssuer {
  readonly publicKey: KeyObject;
  /** Subject key identifier of its certificate. */
  readonly keyId?: Uint8Array;
}

/** A certificate that was checked. */
interface CheckedCertificate {
  /** Absent if it cannot be read. */
  readonly certificate?: GpCertificate;
  /** Absent if its key cannot be used. */
  readonly key?: EcPublicKey;
  /** Empty: nothing is wrong. */
  readonly findings: readonly CertificateFinding[];
}

/** Findings without which a certificate is useless. */
const fatal: ReadonlySet<FindingCode> = new Set(["form", "curve", "unsupported-curve", "public-key"]);

function finding(code: FindingCode, message: string): CertificateFinding {
  return { code, message, overridable: !fatal.has(code) };
}

/** The certificate of a card with the chain above it. */
interface CardChain {
  /** 7F21. */
  readonly ecasd: Uint8Array;
  readonly eid?: string | undefined;
  readonly eum?: X509Certificate | CertificateIssuer | undefined;
  readonly ci?: X509Certificate | undefined;
}

/** Checks CI -> EUM -> ECASD. SGP.02 §2.3.2 */
export function checkCardChain({ ecasd, eid, eum, ci }: CardChain, now: number): CheckedCertificate {
  const above = eum instanceof X509Certificate ? eumFindings(eum, ci, now) : [];
  const checked = checkCertificate(ecasd, { holder: "ECASD", eid, signer: "EUM", issuer: issuerOf(eum), now });
  return { ...checked, findings: [...above, ...checked.findings] };
}

/** Checks CI -> SM-DP or CI -> SM-SR. SGP.02 §2.3.2 */
export function checkServerChain(
  certificate: Uint8Array,
  role: CertificateRole,
  ci: X509Certificate | CertificateIssuer | undefined,
  now: number,
): CheckedCertificate {
  const above = ci instanceof X509Certificate ? asFindings(() => checkIssuer(ci, "CI", 1, now)) : [];
  const checked = checkCertificate(certificate, { holder: role, signer: "CI", issuer: issuerOf(ci), now });
  return { ...checked, findings: [...above, ...checked.findings] };
}

function eumFindings(eum: X509Certificate, ci: X509Certificate | undefined, now: number): CertificateFinding[] {
  const own = asFindings(() => checkIssuer(eum, "EUM", 0, now));
  if (ci === undefined)
    return [...own, finding("unchecked", "without a CI certificate the EUM certificate is not verified")];
  return own.length > 0 ? own : asFindings(() => checkEumByCi(eum, ci, now));
}

function asFindings(check: () => void): CertificateFinding[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return [finding("issuer", error.message)];
  }
}

function issuerOf(given: X509Certificate | CertificateIssuer | undefined): CertificateIssuer | undefined {
  if (!(given instanceof X509Certificate)) return given;
  const publicKey = publicKeyOf(given);
  if (publicKey === undefined) return undefined;
  try {
    const { subjectKeyId } = readX509(given.raw);
    return subjectKeyId === undefined ? { publicKey } : { publicKey, keyId: subjectKeyId };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { publicKey };
  }
}

/** What a certificate is expected to be. */
export interface CertificateExpectation {
  readonly holder: "ECASD" | CertificateRole;
  /** EID of the ECASD. */
  readonly eid?: string | undefined;
  readonly signer: "CI" | "EUM";
  readonly issuer: CertificateIssuer | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Checks one GlobalPlatform certificate. SGP.02 §2.3.2.2, GP Amendment E §6.1 */
export function checkCertificate(octets: Uint8Array, expected: CertificateExpectation): CheckedCertificate {
  let certificate: GpCertificate;
  try {
    certificate = decode(GpCertificate, octets);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const message = `the ${expected.holder} certificate cannot be read: ${error.message}`;
    return { findings: [finding("form", message)] };
  }
  const { key, findings } = keyOf(certificate, expected.holder);
  return {
    certificate,
    ...(key === undefined ? {} : { key }),
    findings: [
      ...signatureFindings(octets, certificate, expected),
      ...useFindings(certificate, expected),
      ...findings,
      ...dateFindings(certificate, expected),
    ],
  };
}

function signatureFindings(
  octets: Uint8Array,
  certificate: GpCertificate,
  { holder, signer, issuer }: CertificateExpectation,
): CertificateFinding[] {
  if (issuer === undefined) {
    const article = signer === "EUM" ? "an" : "a";
    const message = `without ${article} ${signer} certificate the ${holder} certificate is not verified`;
    return [finding("unchecked", message)];
  }
  const found: CertificateFinding[] = [];
  if (!verifyEcdsa(issuer.publicKey, certificateSigned(octets), certificate.signature))
    found.push(finding("signature", `the ${signer}'s signature on the ${holder} certificate is wrong`));
  const authority = certificate.discretionary?.authorityKey;
  if (authority !== undefined && issuer.keyId !== undefined && !equalBytes(authority, issuer.keyId)) {
    const keys = `${toHex(authority)}, not the key ${toHex(issuer.keyId)} of the ${signer}`;
    found.push(finding("authority-key", `the ${holder} certificate names the key ${keys}`));
  }
  return found;
}

/** Key usages (tag 95) in the forms that certificates contain. GP Amendment E §6.1 */
const keyUsages = { agreement: /^(0080|80|020080)$/, verification: /^(88|82|0088|0082)$/ } as const;

function useFindings(certificate: GpCertificate, { holder, eid }: CertificateExpectation): CertificateFinding[] {
  const found: CertificateFinding[] = [];
  const usage = toHex(certificate.keyUsage);
  const subject = certificateSubject(certificate);
  if (eid !== undefined && subject !== eid.toUpperCase())
    found.push(finding("subject", `the ${holder} certificate belongs to ${subject}, not to ${eid}`));
  const [pattern, purpose] =
    holder === "ECASD"
      ? ([keyUsages.agreement, "key agreement"] as const)
      : ([keyUsages.verification, "signatures"] as const);
  if (!pattern.test(usage))
    found.push(finding("key-usage", `the ${holder} certificate is not for ${purpose} (key usage ${usage})`));
  const role = certificateRole(certificate);
  if (holder !== "ECASD" && role !== holder)
    found.push(finding("role", `the certificate has the role ${role ?? "of neither SM-DP nor SM-SR"}, not ${holder}`));
  return found;
}

function keyOf(certificate: GpCertificate, holder: string): { key?: EcPublicKey; findings: CertificateFinding[] } {
  const curve = certificateCurve(certificate);
  if (curve === undefined) {
    const reference = toHex(certificate.publicKey.curve ?? new Uint8Array(0));
    return { findings: [finding("curve", `the ${holder} certificate has a key of the unknown curve ${reference}`)] };
  }
  const key = { curve, point: certificate.publicKey.point };
  try {
    publicKeyObject(key);
    return { key, findings: [] };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const code = error.code === "crypto.algorithm" ? "unsupported-curve" : "public-key";
    return { findings: [finding(code, `the ${holder} certificate: ${error.message}`)] };
  }
}

function dateFindings(certificate: GpCertificate, { holder, now }: CertificateExpectation): CertificateFinding[] {
  const { effectiveDate, expirationDate } = certificate;
  const from = effectiveDate === undefined ? undefined : certificateDate(effectiveDate);
  const to = certificateDate(expirationDate);
  const today = new Date(now).toISOString().slice(0, 10);
  if (to === undefined || Number.isNaN(Date.parse(to)))
    return [finding("dates", `the ${holder} certificate has no valid expiration date`)];
  if (to < today) return [finding("dates", `the ${holder} certificate expired ${to}`)];
  if (from !== undefined && from > today)
    return [finding("dates", `the ${holder} certificate is valid only from ${from}`)];
  return [];
}

/** The findings that stand in the way if the operator accepts those of the given kinds. */
export function unacceptedFindings(
  findings: readonly CertificateFinding[],
  accepted: ReadonlySet<FindingCode>,
): CertificateFinding[] {
  return findings.filter(({ code, overridable }) => !overridable || !accepted.has(code));
}
