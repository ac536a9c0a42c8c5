import { codecError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import { readTlvs, tlvBytes, wrapped } from "../kit/ber.ts";
import { decode, type Of } from "../kit/codec.ts";
import { rest } from "../kit/primitives.ts";
import { maybe, template, tlv } from "../kit/template.ts";
import { type EcCurve, ecCurve, p256 } from "./ec-curve.ts";

const publicKey = template({ point: tlv(0xb0, rest), curve: maybe(tlv(0xf0, rest)) });

const unsignedMembers = {
  serialNumber: tlv(0x93, rest),
  caId: tlv(0x42, rest),
  subjectId: tlv(0x5f20, rest),
  /** `88` = signature verification (SM-DP, SM-SR), `0080` = key agreement (ECASD). */
  keyUsage: tlv(0x95, rest),
  effectiveDate: maybe(tlv(0x5f25, rest)),
  expirationDate: tlv(0x5f24, rest),
  imageNumber: maybe(tlv(0x45, rest)),
  /** C8 = role (`01` SM-DP, `02` SM-SR), C9 = authority key identifier. */
  discretionary: maybe(tlv(0x73, template({ role: maybe(tlv(0xc8, rest)), authorityKey: maybe(tlv(0xc9, rest)) }))),
  publicKey: tlv(0x7f49, publicKey),
};

/** A GlobalPlatform certificate. SGP.02 §2.3.2.2, GP Card Specification Amendment A */
export const GpCertificate = wrapped(0x7f21, template({ ...unsignedMembers, signature: tlv(0x5f37, rest) }));
export type GpCertificate = Of<typeof GpCertificate>;

/** The signed octets of a certificate: its value up to the signature. @throws codec.tag without a signature */
export function certificateSigned(certificate: Uint8Array): Uint8Array {
  const value = decode(wrapped(0x7f21, rest), certificate);
  const signature = readTlvs(value).find((part) => part.tag === 0x5f37);
  if (signature === undefined) throw codecError("codec.tag", "signature (tag 5F37) is missing", certificate.length);
  return value.subarray(0, signature.offset);
}

/** What a certificate contains besides its signature. SGP.02 §2.3.2.2 */
export const CertificateContent = template(unsignedMembers);
export type CertificateContent = Of<typeof CertificateContent>;

/** A certificate from the octets that were signed and the signature over them. SGP.02 §2.3.2.2 */
export function certificateBytes(signed: Uint8Array, signature: Uint8Array): Uint8Array {
  return tlvBytes(0x7f21, signed, tlvBytes(0x5f37, signature));
}

/** Who an off-card entity is. SGP.02 §2.3.2.2 */
export type CertificateRole = "SM-DP" | "SM-SR";

/** Values of C8 in the discretionary data. SGP.02 §2.3.2.2 */
export const roleOctets: Readonly<Record<CertificateRole, number>> = { "SM-DP": 0x01, "SM-SR": 0x02 };

/** The curve that its key is on, P-256 if it names none; undefined for a reserved reference. GP Amendment E §4.2.2 */
export function certificateCurve({ publicKey }: CertificateContent): EcCurve | undefined {
  const { curve } = publicKey;
  if (curve === undefined) return p256;
  return curve.length === 1 ? ecCurve(curve[0] ?? 0) : undefined;
}

/** The subject of an ECASD certificate: its EID, as BCD or as digits in ASCII; other subjects as hexadecimal. */
export function certificateSubject({ subjectId }: CertificateContent): string {
  const subject = toHex(subjectId);
  return /^(3[0-9]){32}$/.test(subject) ? Buffer.from(subjectId).toString("latin1") : subject;
}

/** Role of an SM-DP or SM-SR certificate. */
export function certificateRole(certificate: CertificateContent): CertificateRole | undefined {
  const role = certificate.discretionary?.role?.[0];
  return role === roleOctets["SM-DP"] ? "SM-DP" : role === roleOctets["SM-SR"] ? "SM-SR" : undefined;
}

/** A date of a certificate (BCD YYYYMMDD) as text; undefined when it is none. */
export function certificateDate(octets: Uint8Array): string | undefined {
  const digits = Buffer.from(octets).toString("hex");
  return /^\d{8}$/.test(digits) ? `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}` : undefined;
}

/** A date (`2049-12-31`) as a certificate contains it: BCD YYYYMMDD. @throws codec.text */
export function certificateDateOctets(date: string): Uint8Array {
  const digits = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date)?.slice(1).join("");
  if (digits === undefined) throw codecError("codec.text", "a date has the form 2049-12-31", 0, { field: "date" });
  return fromHex(digits);
}

/** Content octets of a dotted object identifier. ITU-T X.690 §8.19 @throws codec.text */
export function oidOctets(text: string): Uint8Array {
  const [first = 0, second, ...more] = /^\d+(\.\d+)+$/.test(text) ? text.split(".").map(Number) : [];
  if (second === undefined || first > 2 || (first < 2 && second > 39) || [second, ...more].some((arc) => arc > 2 ** 40))
    throw codecError("codec.text", "an object identifier has the form 1.3.6.1.4.1", 0, { field: "oid" });
  return Uint8Array.from([first * 40 + second, ...more].flatMap(arcOctets));
}

function arcOctets(arc: number): number[] {
  const octets = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) octets.unshift((left % 128) | 0x80);
  return octets;
}

/** A dotted object identifier from its content octets; undefined when they are malformed. */
export function oidText(octets: Uint8Array): string | undefined {
  const arcs: number[] = [];
  let value = 0;
  let open = false;
  for (const octet of octets) {
    if (value > 2 ** 40) return undefined;
    value = value * 128 + (octet & 0x7f);
    open = (octet & 0x80) !== 0;
    if (open) continue;
    if (arcs.length === 0)
      arcs.push(Math.min(2, Math.floor(value / 40)), value - 40 * Math.min(2, Math.floor(value / 40)));
    else arcs.push(value);
    value = 0;
  }
  return open || arcs.length === 0 ? undefined : arcs.join(".");
}
