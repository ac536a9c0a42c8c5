import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { canonical, canonicalDocument, canonicalisations } from "../../src/codec/eis/canonical.ts";
import { eisElement } from "../../src/codec/eis/read.ts";
import { elements } from "../../src/codec/eis/xml.ts";

/** Certificates and EISs that a test spoils in one place: made here with node:crypto, in DER and XML written by hand. */

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const ecKeys = (namedCurve = "prime256v1"): KeyPair => generateKeyPairSync("ec", { namedCurve });

export const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const value = Buffer.concat(parts);
  const length =
    value.length < 0x80
      ? [value.length]
      : value.length < 0x100
        ? [0x81, value.length]
        : [0x82, value.length >> 8, value.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
};
const hex = (text: string) => Buffer.from(text, "hex");
const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const ecdsaSha256 = sequence(hex("06082A8648CE3D040302"));

const name = (cn: string) => sequence(der(0x31, sequence(hex("0603550403"), der(0x0c, Buffer.from(cn)))));
const time = (year: number) => der(0x18, Buffer.from(`${year}0101000000Z`));

export const extension = (oid: string, critical: boolean, value: Uint8Array) =>
  sequence(der(0x06, hex(oid)), ...(critical ? [hex("0101FF")] : []), der(0x04, value));
export const basicConstraints = (ca: boolean, pathLength?: number) =>
  extension(
    "551D13",
    true,
    sequence(
      ...(ca ? [hex("0101FF")] : []),
      ...(pathLength === undefined ? [] : [der(0x02, Buffer.from([pathLength]))]),
    ),
  );
/** Bits as the octet that follows the count of unused ones: 84 = digitalSignature and keyCertSign. */
export const keyUsage = (octet: number) =>
  extension("551D0F", true, hex(`030200${octet.toString(16).padStart(2, "0")}`));

export interface CertificateOptions {
  readonly subject: string;
  readonly issuer: string;
  readonly key: KeyObject;
  readonly by: KeyObject;
  readonly from?: number;
  readonly to?: number;
  readonly extensions?: readonly Uint8Array[];
  /** Algorithm written into both places; the signature is ECDSA with SHA-256 whatever it says. */
  readonly algorithm?: Uint8Array;
  readonly version1?: boolean;
}

export function certificate(options: CertificateOptions): string {
  const { subject, issuer, key, by, from = 2020, to = 2090, algorithm = ecdsaSha256 } = options;
  const extensions = options.extensions ?? [basicConstraints(true), keyUsage(0x84)];
  const tbs = sequence(
    ...(options.version1 === true ? [] : [der(0xa0, hex("020102"))]),
    hex("020107"),
    algorithm,
    name(issuer),
    sequence(time(from), time(to)),
    name(subject),
    key.export({ type: "spki", format: "der" }),
    ...(options.version1 === true ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const whole = sequence(tbs, algorithm, der(0x03, hex("00"), sign("sha256", tbs, by)));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

export const eid = "89001012012341234012345678901224";

/** A GlobalPlatform certificate of an ECASD, signed by `by`. */
export function ecasdCertificate(
  by: KeyObject,
  options: { subject?: string; usage?: string; to?: string } = {},
): string {
  const { subject = eid, usage = "0080", to = "20491231" } = options;
  const long = (tag: string, value: Uint8Array) => {
    const made = der(0, value);
    return Buffer.concat([hex(tag), made.subarray(1)]);
  };
  const point = ecKeys().publicKey.export({ type: "spki", format: "der" }).subarray(-65);
  const signed = Buffer.concat([
    der(0x93, hex("01")),
    der(0x42, hex("2B060104018F0F")),
    long("5F20", hex(subject)),
    der(0x95, hex(usage)),
    long("5F24", hex(to)),
    long("7F49", Buffer.concat([der(0xb0, point), hex("F00100")])),
  ]);
  const signature = sign("sha256", signed, { key: by, dsaEncoding: "ieee-p1363" });
  return long("7F21", Buffer.concat([signed, long("5F37", signature)]))
    .toString("hex")
    .toUpperCase();
}

export const c14n = {
  exclusive: "http://www.w3.org/2001/10/xml-exc-c14n#",
  "exclusive with comments": "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
  "1.0": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
  "1.0 with comments": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
  "1.1": "http://www.w3.org/2006/12/xml-c14n11",
  "1.1 with comments": "http://www.w3.org/2006/12/xml-c14n11#WithComments",
} as const;

export interface SignatureOptions {
  readonly uri?: string;
  readonly method?: string;
  readonly transforms?: string;
  readonly digest?: string;
  readonly certificate?: string;
}

/** A ds:Signature with empty values, as xmlsec1 wants it to sign. */
export function signatureTemplate(options: SignatureOptions = {}): string {
  const { uri = 'URI="#eum"', method = c14n.exclusive, digest = "http://www.w3.org/2001/04/xmlenc#sha256" } = options;
  const transforms = options.transforms ?? `<ds:Transform Algorithm="${c14n.exclusive}"/>`;
  const body = options.certificate?.replace(/-----[A-Z ]+-----|\s/g, "");
  return (
    `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${method}"/>` +
    `<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/><ds:Reference ${uri}>` +
    `${transforms === "" ? "" : `<ds:Transforms>${transforms}</ds:Transforms>`}<ds:DigestMethod Algorithm="${digest}"/>` +
    "<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>" +
    `${body === undefined ? "" : `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`}` +
    "</ds:Signature>"
  );
}

export interface EisOptions {
  readonly ecasd: string;
  readonly signature: string;
  /** Attributes of the root, and markup put into what is signed. */
  readonly root?: string;
  readonly signedAttributes?: string;
  readonly inside?: string;
}

export function eisXml({ ecasd, signature, root = "", signedAttributes = "", inside = "" }: EisOptions): string {
  const id = signedAttributes.includes('Id="') ? "" : ' Id="eum"';
  return (
    `<r:Eis xmlns:r="http://namespaces.gsma.org/esim-messaging/3" xmlns:unused="urn:unused" ${root}>\n` +
    `<r:EumSignedInfo${id} ${signedAttributes}>\n  <r:Eid>${eid}</r:Eid><r:Eum-id>1.3.6.1.4.1.9999.3</r:Eum-id>${inside}` +
    `<r:Ecasd><r:Keyset><r:Version>116</r:Version><r:Certificate><r:CaId>1.2.3</r:CaId><r:Value>${ecasd}</r:Value></r:Certificate>` +
    `</r:Keyset></r:Ecasd></r:EumSignedInfo><r:EumSignature>${signature}</r:EumSignature>` +
    "<r:Isd-r><r:Aid>A0000005591010FFFFFFFF8900000100</r:Aid></r:Isd-r></r:Eis>"
  );
}

/** Fills in digest and signature value as this project's canonicalisation gives them. */
export function signed(
  text: string,
  key: KeyObject,
  how: { transform: string; whole?: boolean; comments?: boolean },
): string {
  const eis = eisElement(text);
  const [info] = elements(eis, "EumSignedInfo");
  const [signature] = elements(eis, "EumSignature").flatMap((holder) => elements(holder, "Signature"));
  const form = canonicalisations[how.transform];
  if (info === undefined || signature === undefined || form === undefined) throw new Error("not an EIS to sign");
  const comments = form.comments && how.comments === true;
  const octets =
    how.whole === true && info.ownerDocument !== null
      ? canonicalDocument(info.ownerDocument, { ...form, comments }, signature)
      : canonical(info, { ...form, comments });
  const digest = createHash("sha256").update(octets).digest("base64");
  const digested = text.replace("<ds:DigestValue></", `<ds:DigestValue>${digest}</`);
  const [again] = elements(eisElement(digested), "EumSignature").flatMap((holder) => elements(holder, "Signature"));
  const [signedInfo] = again === undefined ? [] : elements(again, "SignedInfo");
  const method = signedInfo === undefined ? undefined : elements(signedInfo, "CanonicalizationMethod")[0];
  const methodForm = canonicalisations[method?.getAttribute("Algorithm") ?? ""];
  if (signedInfo === undefined || methodForm === undefined) throw new Error("not an EIS to sign");
  const value = sign("sha256", Buffer.from(canonical(signedInfo, methodForm)), { key, dsaEncoding: "ieee-p1363" });
  return digested.replace("<ds:SignatureValue></", `<ds:SignatureValue>${value.toString("base64")}</`);
}
