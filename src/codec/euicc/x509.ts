import { withoutUndefined } from "../../base/defined.ts";
import { codecError, GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { readTlv, readTlvs, type Tlv } from "../kit/ber.ts";
import { Reader } from "../kit/codec.ts";
import { oidText } from "./certificate.ts";

/** What a path validation needs of an X.509 certificate and node:crypto does not provide. RFC 5280 §4.1 */
export interface X509Facts {
  /** 1, 2 or 3. */
  readonly version: number;
  /** Object identifier of the algorithm that it was signed with. */
  readonly signatureAlgorithm: string;
  /** Object identifier of the curve of its key; absent when the key is none of a named curve. */
  readonly curve?: string;
  readonly basicConstraints?: { readonly ca: boolean; readonly maxPathLength?: number };
  /** Names of the bits that are set. */
  readonly keyUsage?: readonly KeyUsage[];
  readonly extensions: readonly { readonly oid: string; readonly critical: boolean }[];
  readonly subjectKeyId?: Uint8Array;
  readonly authorityKeyId?: Uint8Array;
  /** Object identifiers (registeredID) among the alternative names: who a GSMA entity is. */
  readonly registeredIds: readonly string[];
}

/** Bits of the key usage in their order. RFC 5280 §4.2.1.3 */
const keyUsages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
type KeyUsage = (typeof keyUsages)[number];

const ecPublicKey = "1.2.840.10045.2.1";

/** @throws codec.* with the offset when it is not DER of a certificate */
export function readX509(der: Uint8Array): X509Facts {
  const [tbs, algorithm] = sequence(whole(der), "Certificate");
  const parts = sequence(needed(tbs, "tbsCertificate"), "tbsCertificate");
  const versioned = parts[0]?.tag === 0xa0;
  const fields = versioned ? parts.slice(1) : parts;
  const [, inner, , , , publicKey] = fields;
  const signatureAlgorithm = algorithmOid(needed(algorithm, "signatureAlgorithm"));
  if (algorithmOid(needed(inner, "signature")) !== signatureAlgorithm)
    throw codecError(
      "codec.value",
      "the two signature algorithms differ",
      needed(algorithm, "signatureAlgorithm").offset,
    );
  const extensions = fields
    .filter(({ tag }) => tag === 0xa3)
    .flatMap((wrapper) => inside(wrapper).flatMap((list) => sequence(list, "extensions")))
    .map(readExtension);
  const extension = (oid: string) => extensions.find((one) => one.oid === oid)?.value;
  const constraints = extension("2.5.29.19");
  const usage = extension("2.5.29.15");
  const curve = curveOf(needed(publicKey, "subjectPublicKeyInfo"));
  return {
    version: versioned ? integer(needed(inside(needed(parts[0], "version"))[0], "version")) + 1 : 1,
    signatureAlgorithm,
    ...withoutUndefined({ curve }),
    ...(constraints === undefined ? {} : { basicConstraints: readConstraints(constraints) }),
    ...(usage === undefined ? {} : { keyUsage: readUsage(usage) }),
    extensions: extensions.map(({ oid, critical }) => ({ oid, critical })),
    ...withoutUndefined({
      subjectKeyId: lenient(extension("2.5.29.14"), (value) => octetsOf(inside(value)[0], 0x04)),
      authorityKeyId: lenient(extension("2.5.29.35"), (value) => octetsOf(members(value)[0], 0x80)),
    }),
    registeredIds:
      lenient(extension("2.5.29.17"), (value) =>
        members(value).flatMap(({ tag, value: octets }) => (tag === 0x88 ? (oidText(octets) ?? []) : [])),
      ) ?? [],
  };
}

/** What no check depends on is read as far as it is well-formed. */
function lenient<T>(value: Tlv | undefined, read: (value: Tlv) => T | undefined): T | undefined {
  if (value === undefined) return undefined;
  try {
    return read(value);
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function members(value: Tlv): Tlv[] {
  return sequence(needed(inside(value)[0], "extension value"), "extension value");
}

function octetsOf(tlv: Tlv | undefined, tag: number): Uint8Array | undefined {
  return tlv?.tag === tag ? tlv.value : undefined;
}

function readExtension(tlv: Tlv): { oid: string; critical: boolean; value: Tlv } {
  const parts = sequence(tlv, "extension");
  const value = parts.at(-1);
  if (value === undefined || value.tag !== 0x04) throw codecError("codec.tag", "extension without a value", tlv.offset);
  return {
    oid: oid(needed(parts[0], "extnID")),
    critical: parts.length > 2 && parts[1]?.tag === 0x01 && parts[1].value[0] !== 0,
    value,
  };
}

function readConstraints(value: Tlv): { ca: boolean; maxPathLength?: number } {
  const parts = sequence(needed(inside(value)[0], "basicConstraints"), "basicConstraints");
  const flag = parts[0]?.tag === 0x01 ? parts[0] : undefined;
  const length = parts.find(({ tag }) => tag === 0x02);
  return {
    ca: flag !== undefined && flag.value[0] !== 0,
    ...(length === undefined ? {} : { maxPathLength: integer(length) }),
  };
}

function readUsage(value: Tlv): KeyUsage[] {
  const bits = needed(inside(value)[0], "keyUsage");
  if (bits.tag !== 0x03 || bits.value.length < 2)
    throw codecError("codec.tag", "keyUsage is not a bit string", bits.offset);
  const octets = bits.value.subarray(1);
  return keyUsages.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

function curveOf(publicKey: Tlv): string | undefined {
  const [algorithm] = sequence(publicKey, "subjectPublicKeyInfo");
  const [name, parameters] = sequence(needed(algorithm, "algorithm"), "algorithm");
  if (oid(needed(name, "algorithm")) !== ecPublicKey || parameters?.tag !== 0x06) return undefined;
  return oid(parameters);
}

function algorithmOid(tlv: Tlv): string {
  return oid(needed(sequence(tlv, "AlgorithmIdentifier")[0], "algorithm"));
}

function oid(tlv: Tlv): string {
  if (tlv.tag !== 0x06) throw codecError("codec.tag", "an object identifier is expected", tlv.offset);
  // Identifiers with arcs of many octets (UUIDs) are none that is known here: their octets name them.
  return oidText(tlv.value) ?? toHex(tlv.value);
}

function integer(tlv: Tlv): number {
  const first = tlv.value[0] ?? 0x80;
  if (tlv.tag !== 0x02 || tlv.value.length > 4 || first >= 0x80)
    throw codecError("codec.value", "a small integer that is not negative is expected", tlv.offset);
  return tlv.value.reduce((sum, octet) => sum * 256 + octet, 0);
}

function whole(der: Uint8Array): Tlv {
  const from = new Reader(der);
  const tlv = readTlv(from);
  from.end("certificate");
  return tlv;
}

function sequence(tlv: Tlv, what: string): Tlv[] {
  if (tlv.tag !== 0x30) throw codecError("codec.tag", `${what} is not a SEQUENCE`, tlv.offset);
  return inside(tlv);
}

function inside(tlv: Tlv): Tlv[] {
  return readTlvs(tlv.value, tlv.valueOffset);
}

function needed(tlv: Tlv | undefined, what: string): Tlv {
  if (tlv === undefined) throw codecError("codec.value", `${what} is missing in the certificate`, 0);
  return tlv;
}
