import { buildProfile, type PackageOutline } from "../codec/profile-package/build.ts";
import { type PackageValues, packageTemplate } from "../codec/profile-package/personalize/personalize.ts";
import { blockCipher } from "./block-cipher.ts";

/**
 * A profile package with the values of one profile: `iccid`, `imsi`, `k`, `opc` or `op`, `pin1`, `adm1`, `smsc`, `kic` …
 * (docs/profile-packages.md). What has no value stays as it is.
 * @throws codec.* naming the value (`field`) and the offset in the package; values are never part of a message
 */
export function personalizePackage(octets: Uint8Array, values: PackageValues): Uint8Array {
  return packagePersonalizer(octets)(values);
}

/** The same for many profiles of one package, which is read once. @throws codec.* for octets that are not a package */
export function packagePersonalizer(octets: Uint8Array): (values: PackageValues) => Uint8Array {
  return packageTemplate(octets, milenageOpc);
}

/** A minimal profile package of its values. @throws codec.* naming the value (`field`) */
export function buildPackage(outline: PackageOutline): Uint8Array {
  return buildProfile(outline, milenageOpc);
}

/** OPc = E_K(OP) xor OP; K and OP of 16 octets. @throws crypto.key for a K of another length. 3GPP TS 35.206 §4.1 */
export function milenageOpc(k: Uint8Array, op: Uint8Array): Uint8Array {
  const enciphered = blockCipher("AES", k).encrypt(op);
  return op.map((octet, i) => octet ^ (enciphered[i] ?? 0));
}
