import { type KeyObject, X509Certificate } from "node:crypto";
import type { Element } from "@xmldom/xmldom";
import { withoutUndefined } from "../base/defined.ts";
import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { toHex } from "../base/hex.ts";
import { elements } from "../codec/eis/xml.ts";
import { certificateCurve, certificateDate, GpCertificate, oidText } from "../codec/euicc/certificate.ts";
import { decode } from "../codec/kit/codec.ts";
import { checkEumByCi, checkIssuer, oneLine, publicKeyOf } from "./certificate-path.ts";
import { checkCertificate, type FindingCode } from "./certificates/gp-chain.ts";
import { dsElements, signatureCertificates, verifyXmlSignature } from "./xml-signature.ts";

/** One check of a chain: `unchecked` if a certificate that it requires was not given. */
interface TrustCheck {
  readonly what: "eum-by-ci" | "ecasd-by-eum" | "eis-by-eum";
  readonly result: "good" | "bad" | "unchecked";
  /** Why it is bad or unchecked. */
  readonly why?: string;
}

/** Facts about the certificates of an eUICC. SGP.02 §2.3, Annex E */
export interface EisTrust {
  readonly eum?: {
    readonly subject: string;
    readonly issuer: string;
    readonly validTo: string;
    readonly serialNumber: string;
    /** The certificate is that of the signature, not one given by the user. */
    readonly fromSignature: boolean;
  };
  readonly ecasd?: {
    readonly serialNumber: string;
    readonly caId: string;
    readonly subjectId: string;
    readonly keyUsage: string;
    readonly expirationDate?: string;
    readonly curve: string;
    readonly publicKey: string;
  };
  readonly checks: readonly TrustCheck[];
}

/** Certificates to check an EIS against, PEM or DER. */
export interface TrustAnchors {
  readonly ci?: string | Uint8Array;
  readonly eum?: string | Uint8Array;
}

/** A certificate given as PEM or DER. @throws crypto.signature naming which one is not readable */
function readCertificate(given: string | Uint8Array, field: string): X509Certificate {
  try {
    return new X509Certificate(given);
  } catch (cause) {
    throw new GatewayError("crypto.signature", `${field}: is not an X.509 certificate`, { detail: { field }, cause });
  }
}

/** The data to check: the EIS as XML, its EID, and the certificate of its ECASD. */
interface CheckedEis {
  readonly eid: string;
  readonly element?: Element;
  readonly ecasd?: Uint8Array;
}

/**
 * Checks CI -> EUM (X.509), EUM -> ECASD (GlobalPlatform 7F21) and the EUM's signature over the EIS.
 * @throws crypto.signature for a given certificate that cannot be read
 */
export function checkEisTrust(eis: CheckedEis, anchors: TrustAnchors, now = Date.now()): EisTrust {
  const given = anchors.eum === undefined ? undefined : readCertificate(anchors.eum, "eum");
  const found = eis.element === undefined ? undefined : attempt(() => signedPart(eis.element));
  const signed = found === undefined || isGatewayError(found) ? undefined : found;
  const eum = given ?? (signed === undefined ? undefined : signatureCertificates(signed.signature)[0]);
  const ci = anchors.ci === undefined ? undefined : readCertificate(anchors.ci, "ci");
  return {
    ...(eum === undefined ? {} : { eum: shownEum(eum, given === undefined) }),
    ...(eis.ecasd === undefined ? {} : shownEcasd(eis.ecasd)),
    checks: [
      checked("eum-by-ci", missing({ "EUM certificate": eum }), () => checkEum(eum, ci, now)),
      checked("ecasd-by-eum", missing({ "EUM certificate": eum, "ECASD certificate": eis.ecasd }), () =>
        checkEcasd(eis, keyOfEum(eum), now),
      ),
      checked("eis-by-eum", missing({ "EUM certificate": eum, "EUM signature": found }), () => {
        if (isGatewayError(found)) throw found;
        const key = keyOfEum(eum);
        if (signed !== undefined && key !== undefined) verifyXmlSignature(signed.signature, signed.info, key);
      }),
    ],
  };
}

/**
 * The failed checks of an import for which certificates were given. With a certificate of either kind, the signature
 * and the ECASD certificate must verify; with one of the CI, also the manufacturer's certificate. Missing data count as
 * not verified.
 */
export function unproved(trust: EisTrust, anchors: TrustAnchors): TrustCheck[] {
  if (anchors.eum === undefined && anchors.ci === undefined) return [];
  return trust.checks.filter(
    ({ what, result }) =>
      result === "bad" || (result === "unchecked" && (what !== "eum-by-ci" || anchors.ci !== undefined)),
  );
}

/**
 * What the manufacturer signed and the signature: one EumSignedInfo and one signature, in EumSignature or as it.
 * @throws crypto.signature when there is more than one of either
 */
function signedPart(eis: Element | undefined): { info: Element; signature: Element } | undefined {
  if (eis === undefined) return undefined;
  const [info, otherInfo] = elements(eis, "EumSignedInfo");
  const [holder, otherHolder] = elements(eis, "EumSignature");
  if (otherInfo !== undefined) throw bad("there is more than one EumSignedInfo");
  if (otherHolder !== undefined) throw bad("there is more than one EumSignature");
  if (info === undefined || holder === undefined) return undefined;
  const inner = dsElements(holder, "Signature");
  if (inner.length > 1) throw bad("there is more than one Signature in EumSignature");
  const signature = inner[0] ?? (dsElements(holder, "SignedInfo").length > 0 ? holder : undefined);
  return signature === undefined ? undefined : { info, signature };
}

function keyOfEum(eum: X509Certificate | undefined): KeyObject | undefined {
  if (eum === undefined) return undefined;
  const key = publicKeyOf(eum);
  if (key === undefined) throw bad("the EUM certificate has a key that cannot be read");
  return key;
}

function attempt<T>(work: () => T): T | GatewayError {
  try {
    return work();
  } catch (error) {
    if (isGatewayError(error)) return error;
    throw error;
  }
}

function missing(parts: Readonly<Record<string, unknown>>): string | undefined {
  const absent = Object.entries(parts).flatMap(([name, value]) => (value === undefined ? [name] : []));
  return absent.length === 0 ? undefined : `no ${absent.join(" and no ")}`;
}

/** Thrown by a check that cannot be made. */
class Unchecked extends Error {}

function checked(what: TrustCheck["what"], why: string | undefined, check: () => void): TrustCheck {
  if (why !== undefined) return { what, result: "unchecked", why };
  try {
    check();
    return { what, result: "good" };
  } catch (error) {
    if (error instanceof Unchecked) return { what, result: "unchecked", why: error.message };
    if (!isGatewayError(error)) throw error;
    return { what, result: "bad", why: error.message };
  }
}

/** The path is CI, EUM, ECASD: the EUM is the one CA certificate between. RFC 5280 §6.1 */
function checkEum(eum: X509Certificate | undefined, ci: X509Certificate | undefined, now: number): void {
  if (eum === undefined) return;
  checkIssuer(eum, "EUM", 0, now);
  if (ci === undefined) throw new Unchecked("no CI certificate");
  checkEumByCi(eum, ci, now);
}

/** Findings that matter only where the key of the card is used, or that older certificates have. */
const tolerated: ReadonlySet<FindingCode> = new Set(["unsupported-curve", "public-key", "authority-key"]);

function checkEcasd({ eid, ecasd }: CheckedEis, eum: KeyObject | undefined, now: number): void {
  if (ecasd === undefined || eum === undefined) return;
  const issuer = { publicKey: eum };
  const { findings } = checkCertificate(ecasd, { holder: "ECASD", eid, signer: "EUM", issuer, now });
  const fault = findings.find(({ code }) => !tolerated.has(code));
  if (fault !== undefined) throw bad(fault.message);
}

function shownEum(eum: X509Certificate, fromSignature: boolean): NonNullable<EisTrust["eum"]> {
  const { subject, issuer, validTo, serialNumber } = eum;
  return { subject: oneLine(subject), issuer: oneLine(issuer), validTo, serialNumber, fromSignature };
}

function shownEcasd(octets: Uint8Array): Pick<EisTrust, "ecasd"> {
  let certificate: GpCertificate;
  try {
    certificate = decode(GpCertificate, octets);
  } catch (error) {
    if (isGatewayError(error)) return {};
    throw error;
  }
  const expirationDate = certificateDate(certificate.expirationDate);
  const curve = certificateCurve(certificate)?.name ?? toHex(certificate.publicKey.curve ?? new Uint8Array(0));
  return {
    ecasd: {
      serialNumber: toHex(certificate.serialNumber),
      caId: oidText(certificate.caId) ?? toHex(certificate.caId),
      subjectId: toHex(certificate.subjectId),
      keyUsage: toHex(certificate.keyUsage),
      ...withoutUndefined({ expirationDate }),
      curve,
      publicKey: toHex(certificate.publicKey.point),
    },
  };
}

function bad(message: string): GatewayError {
  return new GatewayError("crypto.signature", message);
}
