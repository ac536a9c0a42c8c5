import { readLength, readTag } from "../../codec/kit/ber.ts";
import { Reader } from "../../codec/kit/codec.ts";
import type { Context } from "../context.ts";
import { branchOf, type Node } from "../tree.ts";

/** Object identifiers of keys, in DER without their head. */
const algorithms: readonly (readonly [string, string])[] = [
  ["2A8648CE3D0201", "EC"],
  ["2A864886F70D010101", "RSA"],
  ["2B656E", "X25519"],
  ["2B656F", "X448"],
  ["2B6570", "Ed25519"],
  ["2B6571", "Ed448"],
];

/**
 * Which private key octets are in DER, whole or cut; undefined for anything else. SEC 1 §C.4, RFC 5208 §5 and 6 (PKCS #8),
 * RFC 8017 §A.1.2 (PKCS #1)
 */
export function privateKeyKind(octets: Uint8Array): string | undefined {
  if (octets[0] !== 0x30) return undefined;
  try {
    const from = new Reader(octets);
    readTag(from);
    readLength(from);
    const first = readTag(from);
    if (first === 0x30) return encryptedKind(from);
    if (first !== 0x02 || readLength(from) !== 1) return undefined;
    const version = from.u8();
    const second = readTag(from);
    if (second === 0x04 && version === 1) return "EC private key (SEC 1)";
    if (second === 0x02 && version <= 1) return readLength(from) > 32 ? "RSA private key (PKCS #1)" : undefined;
    if (second !== 0x30 || version > 1) return undefined;
    return `${algorithmOf(from)} private key (PKCS #8)`.trimStart();
  } catch {
    return undefined;
  }
}

function algorithmOf(from: Reader): string {
  readLength(from);
  if (readTag(from) !== 0x06) return "";
  const oid = Buffer.from(from.take(readLength(from)))
    .toString("hex")
    .toUpperCase();
  return algorithms.find(([known]) => known === oid)?.[1] ?? "";
}

/** PBES1, PBES2 and the schemes of PKCS #12 begin with the arc of RSA Security: 1.2.840.113549.1.5 and .12. */
function encryptedKind(from: Reader): string | undefined {
  readLength(from);
  if (readTag(from) !== 0x06) return undefined;
  const oid = Buffer.from(from.take(readLength(from)))
    .toString("hex")
    .toUpperCase();
  return /^2A864886F70D01(05|0C)/.test(oid) ? "encrypted private key (PKCS #8)" : undefined;
}

export function privateKeyScore(octets: Uint8Array): number {
  return privateKeyKind(octets) === undefined ? 0 : 98;
}

/** A private key, of which only the kind is shown. */
export function privateKeyNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "private key",
    octets,
    base,
    (branch) => {
      branch.secret("key in DER", octets.length, context.secrets);
      return privateKeyKind(octets) ?? "of no known form";
    },
    { clause: "SEC 1 §C.4, RFC 5208, RFC 8017" },
  );
}
