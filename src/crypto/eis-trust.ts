import { type KeyObject, verify, X509Certificate } from "node:crypto";
import type { Element } from "@xmldom/xmldom";
import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { toHex } from "../base/hex.ts";
import { elements } from "../codec/eis/xml.ts";
import { certificateDate, certificateSigned, GpCertificate, oidText } from "../codec/euicc/certificate.ts";
import { decode } from "../codec/kit/codec.ts";
import { signatureCertificates, verifyXmlSignature } from "./xml-signature.ts";

/** One check of a chain: `unchecked` when what it needs was not given. */
export interface TrustCheck {
  readonly what: "eum-by-ci" | "ecasd-by-eum" | "eis-by-eum";
  readonly result: "good" | "bad" | "unchecked";
  /** Why it is bad or unchecked. */
  readonly why?: string;
}

/** What is known of the certificates of an eUICC. SGP.02 §2.3, Annex E */
export interface EisTrust {
  readonly eum?: {
    readonly subject: string;
    readonly issuer: string;
    readonly validTo: string;
    readonly serialNumber: string;
    /** It came with the signature, not from outside. */
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

/** Curve references of GlobalPlatform keys. GP Amendment E §6.2 */
const curves: Readonly<Record<string, string>> = {
  "00": "P-256",
  "01": "P-384",
  "02": "P-521",
  "03": "brainpoolP256r1",
  "40": "FRP256v1",
};

/** A certificate given as PEM or DER. @throws crypto.signature naming which one is not readable */
export function readCertificate(given: string | Uint8Array, field: string): X509Certificate {
  try {
    return new X509Certificate(given);
  } catch (cause) {
    throw new GatewayError("crypto.signature", `${field}: is no X.509 certificate`, { detail: { field }, cause });
  }
}

/**
 * Checks CI -> EUM (X.509), EUM -> ECASD (GlobalPlatform 7F21) and the EUM's signature over the EIS.
 * @throws crypto.signature for a given certificate that cannot be read
 */
export function checkEisTrust(
  eis: { readonly element?: Element; readonly ecasd?: Uint8Array },
  anchors: TrustAnchors,
): EisTrust {
  const signature = eis.element === undefined ? undefined : signatureOf(eis.element);
  const given = anchors.eum === undefined ? undefined : readCertificate(anchors.eum, "eum");
  const eum = given ?? (signature === undefined ? undefined : signatureCertificates(signature)[0]);
  const ci = anchors.ci === undefined ? undefined : readCertificate(anchors.ci, "ci");
  return {
    ...(eum === undefined ? {} : { eum: shownEum(eum, given === undefined) }),
    ...(eis.ecasd === undefined ? {} : shownEcasd(eis.ecasd)),
    checks: [
      checked("eum-by-ci", missing({ "CI certificate": ci, "EUM certificate": eum }), () => checkEum(eum, ci)),
      checked("ecasd-by-eum", missing({ "EUM certificate": eum, "ECASD certificate": eis.ecasd }), () =>
        checkEcasd(eis.ecasd, eum?.publicKey),
      ),
      checked("eis-by-eum", missing({ "EUM certificate": eum, "EUM signature": signature }), () => {
        const signed = eis.element === undefined ? undefined : elements(eis.element, "EumSignedInfo")[0];
        if (signature === undefined || signed === undefined || eum === undefined) return;
        verifyXmlSignature(signature, signed, eum.publicKey);
      }),
    ],
  };
}

/** The ds:Signature of an EIS: in EumSignature, or EumSignature itself. */
function signatureOf(eis: Element): Element | undefined {
  const [holder] = elements(eis, "EumSignature");
  if (holder === undefined) return undefined;
  return elements(holder, "Signature")[0] ?? (elements(holder, "SignedInfo").length > 0 ? holder : undefined);
}

function missing(parts: Readonly<Record<string, unknown>>): string | undefined {
  const absent = Object.entries(parts).flatMap(([name, value]) => (value === undefined ? [name] : []));
  return absent.length === 0 ? undefined : `no ${absent.join(" and no ")}`;
}

function checked(what: TrustCheck["what"], why: string | undefined, check: () => void): TrustCheck {
  if (why !== undefined) return { what, result: "unchecked", why };
  try {
    check();
    return { what, result: "good" };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { what, result: "bad", why: error.message };
  }
}

function checkEum(eum: X509Certificate | undefined, ci: X509Certificate | undefined): void {
  if (eum === undefined || ci === undefined) return;
  if (!eum.checkIssued(ci)) throw bad(`the EUM certificate was issued by ${oneLine(eum.issuer)}, not by this CI`);
  if (!eum.verify(ci.publicKey)) throw bad("the CI's signature on the EUM certificate does not verify");
  const now = Date.now();
  for (const [name, certificate] of [
    ["EUM", eum],
    ["CI", ci],
  ] as const) {
    if (Date.parse(certificate.validTo) < now) throw bad(`the ${name} certificate ended ${certificate.validTo}`);
    if (Date.parse(certificate.validFrom) > now) throw bad(`the ${name} certificate begins ${certificate.validFrom}`);
  }
}

function checkEcasd(ecasd: Uint8Array | undefined, eum: KeyObject | undefined): void {
  if (ecasd === undefined || eum === undefined) return;
  const certificate = parsedEcasd(ecasd);
  const hash = certificate.signature.length > 96 ? "sha512" : certificate.signature.length > 64 ? "sha384" : "sha256";
  const fits =
    eum.asymmetricKeyType === "ec" &&
    verify(hash, certificateSigned(ecasd), { key: eum, dsaEncoding: "ieee-p1363" }, certificate.signature);
  if (!fits) throw bad("the EUM's signature on the ECASD certificate does not verify");
}

function parsedEcasd(ecasd: Uint8Array): GpCertificate {
  try {
    return decode(GpCertificate, ecasd);
  } catch (cause) {
    if (!isGatewayError(cause)) throw cause;
    throw new GatewayError("crypto.signature", `the ECASD certificate cannot be read: ${cause.message}`, { cause });
  }
}

function shownEum(eum: X509Certificate, fromSignature: boolean): NonNullable<EisTrust["eum"]> {
  const { subject, issuer, validTo, serialNumber } = eum;
  return { subject: oneLine(subject), issuer: oneLine(issuer), validTo, serialNumber, fromSignature };
}

function shownEcasd(octets: Uint8Array): Pick<EisTrust, "ecasd"> {
  let certificate: GpCertificate;
  try {
    certificate = parsedEcasd(octets);
  } catch (error) {
    if (isGatewayError(error)) return {};
    throw error;
  }
  const expirationDate = certificateDate(certificate.expirationDate);
  const curve = toHex(certificate.publicKey.curve ?? Uint8Array.of(0));
  return {
    ecasd: {
      serialNumber: toHex(certificate.serialNumber),
      caId: oidText(certificate.caId) ?? toHex(certificate.caId),
      subjectId: toHex(certificate.subjectId),
      keyUsage: toHex(certificate.keyUsage),
      ...(expirationDate === undefined ? {} : { expirationDate }),
      curve: curves[curve] ?? curve,
      publicKey: toHex(certificate.publicKey.point),
    },
  };
}

function oneLine(name: string): string {
  return name.replaceAll("\n", ", ");
}

function bad(message: string): GatewayError {
  return new GatewayError("crypto.signature", message);
}
