import { codecError } from "../../base/gateway-error.ts";
import { readTlvs, wrapped } from "../kit/ber.ts";
import { decode, type Of } from "../kit/codec.ts";
import { rest } from "../kit/primitives.ts";
import { maybe, template, tlv } from "../kit/template.ts";

const publicKey = template({ point: tlv(0xb0, rest), curve: maybe(tlv(0xf0, rest)) });

/** A GlobalPlatform certificate. SGP.02 §2.3.2.2, GP Card Specification Amendment A */
export const GpCertificate = wrapped(
  0x7f21,
  template({
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
    signature: tlv(0x5f37, rest),
  }),
);
export type GpCertificate = Of<typeof GpCertificate>;

/** The signed octets of a certificate: its value up to the signature. @throws codec.tag without a signature */
export function certificateSigned(certificate: Uint8Array): Uint8Array {
  const value = decode(wrapped(0x7f21, rest), certificate);
  const signature = readTlvs(value).find((part) => part.tag === 0x5f37);
  if (signature === undefined) throw codecError("codec.tag", "signature (tag 5F37) is missing", certificate.length);
  return value.subarray(0, signature.offset);
}

/** Role of an SM-DP or SM-SR certificate. */
export function certificateRole(certificate: GpCertificate): "SM-DP" | "SM-SR" | undefined {
  const role = certificate.discretionary?.role?.[0];
  return role === 0x01 ? "SM-DP" : role === 0x02 ? "SM-SR" : undefined;
}

/** A date of a certificate (BCD YYYYMMDD) as text; undefined when it is none. */
export function certificateDate(octets: Uint8Array): string | undefined {
  const digits = Buffer.from(octets).toString("hex");
  return /^\d{8}$/.test(digits) ? `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}` : undefined;
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
