import { codecError } from "../../base/gateway-error.ts";
import { concatBytes, fromHex } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";

/** Key sets of a security domain, with zeros in place of the keys. */
export interface DomainKeys {
  /** Version of the key set for SCP80, 1 to 15. */
  readonly keyVersion: number;
  readonly keyType: "aes" | "3des";
  /** Version of a key set for SCP81, 64 to 79, with a PSK of 16 octets; absent: none. */
  readonly pskVersion?: number;
  /** Secure channels that the instance allows: contents of C9, hexadecimal; absent: SCP80. */
  readonly channels?: string;
}

/** A security domain behind the MNO-SD, with key sets of its own. */
export interface SupplementaryDomain extends DomainKeys {
  /** Instance AID, hexadecimal; absent: that of the GSMA's test profiles. */
  readonly aid?: string;
  /** TAR, hexadecimal; absent: the one in this AID. */
  readonly tar?: string;
}

/** The MNO-SD, TAR B20100. eUICC Profile Package §8.6 */
export function issuerDomain(keys: DomainKeys): Uint8Array {
  return domain({ name: "mnoSd", aid: "A000000151000000", privileges: "82FC80", tar: "B20100", keys });
}

/** Instance AID and TAR of the supplementary domain in the test profiles. GSMA TS.48 */
const supplementary = { aid: "A00000055910100102736456616C7565", tar: "6C7565" } as const;

/** A supplementary security domain, which belongs to the MNO-SD. eUICC Profile Package §8.6 */
export function supplementaryDomain(keys: SupplementaryDomain): Uint8Array {
  const { aid = supplementary.aid, tar = supplementary.tar } = keys;
  return domain({ name: "ssd", aid, privileges: "808000", tar, keys });
}

interface Domain {
  /** Its name in errors. */
  readonly name: string;
  readonly aid: string;
  readonly privileges: string;
  readonly tar: string;
  readonly keys: DomainKeys;
}

function domain({ name, aid, privileges, tar, keys }: Domain): Uint8Array {
  const instance = tlvBytes(
    0xa1,
    fromHex("4F07A0000001515350"),
    fromHex("4F08A000000151535041"),
    tlvBytes(0x4f, octets(`${name}.aid`, aid, 5, 16)),
    tlvBytes(0x82, fromHex(privileges)),
    fromHex("83010F"),
    tlvBytes(0xc9, octets(`${name}.channels`, keys.channels ?? "81028000", 0, 127)),
    // No access to files, one security level: ciphering and a cryptographic checksum. TS 102 226 §8.2.1.3.2
    tlvBytes(
      0xea,
      tlvBytes(0x80, concatBytes(fromHex("0100000100000002011203"), octets(`${name}.tar`, tar, 3, 3), fromHex("00"))),
    ),
  );
  return concatBytes(instance, tlvBytes(0xa2, ...keyEntries(name, keys)));
}

/** Key types: DES of any length, PSK of TLS, AES. GP Card Specification §11.1.8 */
const keyTypes = { "3des": 0x80, psk: 0x85, aes: 0x88 } as const;

/** Usage of KIc, KID and KIK; and of a PSK: secure messaging in both directions. GP Card Specification §11.1.9 */
const usages = { kic: 0x38, kid: 0x34, kik: 0xc8, psk: 0x3c } as const;

function keyEntries(name: string, { keyVersion, keyType, pskVersion }: DomainKeys): readonly Uint8Array[] {
  assertVersion(`${name}.keyVersion`, keyVersion, 0x01, 0x0f);
  const type = keyTypes[keyType];
  const ota = [usages.kic, usages.kid, usages.kik].map((usage, index) => keyEntry(keyVersion, index + 1, usage, type));
  if (pskVersion === undefined) return ota;
  assertVersion(`${name}.pskVersion`, pskVersion, 0x40, 0x4f);
  return [...ota, keyEntry(pskVersion, 1, usages.psk, keyTypes.psk)];
}

function keyEntry(version: number, identifier: number, usage: number, type: number): Uint8Array {
  const component = tlvBytes(0x30, tlvBytes(0x80, Uint8Array.of(type)), tlvBytes(0x86, new Uint8Array(16)));
  return tlvBytes(
    0x30,
    tlvBytes(0x95, Uint8Array.of(usage)),
    tlvBytes(0x82, Uint8Array.of(identifier)),
    tlvBytes(0x83, Uint8Array.of(version)),
    tlvBytes(0x30, component),
  );
}

/** @throws codec.value naming the field */
function assertVersion(field: string, version: number, low: number, high: number): void {
  if (Number.isInteger(version) && version >= low && version <= high) return;
  const [from, to] = [low, high].map((one) => one.toString(16).toUpperCase().padStart(2, "0"));
  throw codecError("codec.value", `${field} must be ${from} to ${to}`, 0, { field });
}

/** @throws codec.text, codec.length naming the field */
function octets(field: string, text: string, least: number, most: number): Uint8Array {
  const bare = text.replace(/[\s:]+/g, "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(bare)) throw codecError("codec.text", `${field} must be hexadecimal`, 0, { field });
  const found = fromHex(bare);
  if (found.length >= least && found.length <= most) return found;
  const count = least === most ? `${least}` : `${least} to ${most}`;
  throw codecError("codec.length", `${field} must have ${count} octets, not ${found.length}`, 0, { field });
}
