import { codecError } from "../../base/gateway-error.ts";
import type { Protection } from "./spi.ts";

/** Cipher algorithms a KIc names; AES covers 128, 192 and 256 bits. ETSI TS 102 225 §5.1.2 */
export type CipherAlgorithm = "DES-CBC" | "DES-ECB" | "3DES-2" | "3DES-3" | "AES";

/** Checksum algorithms a KID names. ETSI TS 102 225 §5.1.3 */
export type MacAlgorithm = "DES" | "3DES-2" | "3DES-3" | "AES-CMAC";
type CrcAlgorithm = "CRC-16" | "CRC-32";

type Named<T> = T | "implicit" | "reserved";

const ciphers: Readonly<Record<number, Named<CipherAlgorithm>>> = {
  0: "implicit",
  1: "DES-CBC",
  2: "AES",
  5: "3DES-2",
  9: "3DES-3",
  13: "DES-ECB",
};

const macs: Readonly<Record<number, Named<MacAlgorithm>>> = {
  0: "implicit",
  1: "DES",
  2: "AES-CMAC",
  5: "3DES-2",
  9: "3DES-3",
};

const crcs: Readonly<Record<number, Named<CrcAlgorithm>>> = { 0: "implicit", 1: "CRC-16", 5: "CRC-32" };

/** Key set number (key version number) of a KIc or KID octet; 0 = implicit. */
export function keySetNumber(octet: number): number {
  return octet >> 4;
}

/** Cipher algorithm of a KIc octet. */
export function cipherAlgorithm(kic: number): Named<CipherAlgorithm> {
  return ciphers[kic & 0x0f] ?? "reserved";
}

/** Algorithm of a KID octet when the packet carries a CC. */
export function macAlgorithm(kid: number): Named<MacAlgorithm> {
  return macs[kid & 0x0f] ?? "reserved";
}

/** Algorithm of a KID octet when the packet carries a RC. */
export function crcAlgorithm(kid: number): Named<CrcAlgorithm> {
  return crcs[kid & 0x0f] ?? "reserved";
}

/** KIc octet of a key set and algorithm. @throws codec.value for a key set number above 15 */
export function kicOctet(keySet: number, algorithm: CipherAlgorithm | "implicit"): number {
  return octetOf(keySet, algorithm, ciphers);
}

/** KID octet of a key set and algorithm; RC algorithms too. @throws codec.value for a key set number above 15 */
export function kidOctet(keySet: number, algorithm: MacAlgorithm | CrcAlgorithm | "implicit"): number {
  return octetOf(keySet, algorithm, algorithm === "CRC-16" || algorithm === "CRC-32" ? crcs : macs);
}

function octetOf(keySet: number, algorithm: string, table: Readonly<Record<number, string>>): number {
  if (!Number.isInteger(keySet) || keySet < 0 || keySet > 15) {
    throw codecError("codec.value", `key set ${keySet} does not fit four bits`, 0, { field: "KIc/KID" });
  }
  const nibble = Object.entries(table).find(([, name]) => name === algorithm)?.[0] ?? "0";
  return (keySet << 4) | Number(nibble);
}

/**
 * Octets of RC/CC/DS that a packet must carry, from SPI and KID; a list where the header leaves a choice: AES-CMAC of 8
 * or 4, and the implicit algorithms. ETSI TS 102 225 §5.1.3
 */
export function checkLengths(integrity: Protection, kid: number): readonly number[] {
  if (integrity === "none") return [0];
  if (integrity === "ds") return [];
  if (integrity === "rc") {
    const crc = crcAlgorithm(kid);
    if (crc === "implicit") return [2, 4];
    return crc === "CRC-16" ? [2] : crc === "CRC-32" ? [4] : [];
  }
  const mac = macAlgorithm(kid);
  if (mac === "AES-CMAC" || mac === "implicit") return [8, 4];
  return mac === "reserved" ? [] : [8];
}
