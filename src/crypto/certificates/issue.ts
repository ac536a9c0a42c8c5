import { createHash, sign } from "node:crypto";
import {
  CertificateContent,
  type CertificateRole,
  certificateBytes,
  certificateDateOctets,
  oidOctets,
  roleOctets,
} from "../../codec/euicc/certificate.ts";
import { type Eid, eidOctets } from "../../codec/euicc/eid.ts";
import { type X509Name, type X509Order, x509Certificate, x509ToBeSigned } from "../../codec/euicc/x509-build.ts";
import { encode } from "../../codec/kit/codec.ts";
import { type EcPrivateKey, type EcPublicKey, privateKeyObject, signEcdsa } from "./ec-key.ts";

/** An entity that certificates are issued to or by: its key, its object identifier and its name. */
export interface CertifiedEntity {
  readonly key: EcPrivateKey;
  /** Object identifier, dotted. */
  readonly oid: string;
  readonly name: X509Name;
}

/** What every certificate has. */
export interface Issue {
  readonly serialNumber: Uint8Array;
  /** Milliseconds since 1970; certificates for cards contain the day. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** Key identifier of a public key: SHA-1 of the point. RFC 5280 §4.2.1.2 */
export function keyIdentifier({ point }: EcPublicKey): Uint8Array {
  return new Uint8Array(createHash("sha1").update(point).digest());
}

/** The self-signed certificate of a test CI, in DER. SGP.02 §2.3.2.1 @throws crypto.algorithm */
export function issueCi(ci: CertifiedEntity, issue: Issue): Uint8Array {
  return issueX509(ci, ci, issue);
}

/** The certificate of an eUICC manufacturer by a CI, in DER. SGP.02 §2.3.2.1 @throws crypto.algorithm */
export function issueEum(eum: CertifiedEntity, ci: CertifiedEntity, issue: Issue): Uint8Array {
  return issueX509(eum, ci, { ...issue, maxPathLength: 0 });
}

function issueX509(
  subject: CertifiedEntity,
  issuer: CertifiedEntity,
  issue: Issue & Pick<X509Order, "maxPathLength">,
): Uint8Array {
  const signed = x509ToBeSigned({
    ...issue,
    issuer: issuer.name,
    subject: subject.name,
    publicKey: subject.key,
    subjectKeyId: keyIdentifier(subject.key),
    authorityKeyId: keyIdentifier(issuer.key),
    registeredId: subject.oid,
  });
  return x509Certificate(signed, new Uint8Array(sign("sha256", signed, privateKeyObject(issuer.key))));
}

/** The certificate of an SM-DP or SM-SR by a CI (7F21). SGP.02 §2.3.2.2 @throws crypto.algorithm */
export function issueServer(
  role: CertificateRole,
  { key, oid }: Omit<CertifiedEntity, "name">,
  ci: CertifiedEntity,
  issue: Issue,
): Uint8Array {
  return issueForCard(ci, key, issue, {
    subjectId: oidOctets(oid),
    keyUsage: Uint8Array.of(0x88),
    discretionary: { role: Uint8Array.of(roleOctets[role]) },
  });
}

/** The certificate of a card by its manufacturer (7F21); the SDIN is its image number. SGP.02 §2.3.2.2 @throws crypto.algorithm */
export function issueEcasd(
  { eid, key, sdin }: { readonly eid: Eid; readonly key: EcPublicKey; readonly sdin?: Uint8Array },
  eum: CertifiedEntity,
  issue: Issue,
): Uint8Array {
  return issueForCard(eum, key, issue, {
    subjectId: eidOctets(eid),
    keyUsage: Uint8Array.of(0x00, 0x80),
    imageNumber: sdin ?? Uint8Array.of(0x01),
  });
}

function issueForCard(
  issuer: CertifiedEntity,
  { curve, point }: EcPublicKey,
  { serialNumber, validFrom, validTo }: Issue,
  subject: Pick<CertificateContent, "subjectId" | "keyUsage" | "imageNumber" | "discretionary">,
): Uint8Array {
  const signed = encode(CertificateContent, {
    ...subject,
    serialNumber,
    caId: oidOctets(issuer.oid),
    effectiveDate: certificateDateOctets(dayOf(validFrom)),
    expirationDate: certificateDateOctets(dayOf(validTo)),
    discretionary: { ...subject.discretionary, authorityKey: keyIdentifier(issuer.key) },
    publicKey: { point, curve: Uint8Array.of(curve.reference) },
  });
  return certificateBytes(signed, signEcdsa(issuer.key, signed));
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
