import { createCipheriv, createDecipheriv, timingSafeEqual } from "node:crypto";
import { concatBytes } from "../../../src/base/hex.ts";

/**
 * The algorithms of TS 102 225 on node:crypto, written for the card's side and sharing nothing with the gateway's, so
 * that each checks the other.
 */
export type Algorithm = "des-cbc" | "des-ecb" | "3des2" | "3des3" | "aes";

/** Cipher block in octets. */
export function blockSize(algorithm: Algorithm): 8 | 16 {
  return algorithm === "aes" ? 16 : 8;
}

/** Algorithm named by the low nibble of KIc; undefined when the card does not know it. TS 102 225 §5.1.2 */
export function cipherAlgorithm(kic: number): Algorithm | undefined {
  const names: Readonly<Record<number, Algorithm>> = { 1: "des-cbc", 2: "aes", 5: "3des2", 9: "3des3", 13: "des-ecb" };
  return names[kic & 0x0f];
}

/** Algorithm named by the low nibble of KID under CC. TS 102 225 §5.1.3 */
export function macAlgorithm(kid: number): Algorithm | undefined {
  const names: Readonly<Record<number, Algorithm>> = { 1: "des-cbc", 2: "aes", 5: "3des2", 9: "3des3" };
  return names[kid & 0x0f];
}

/** Whether a key of this length serves the algorithm. */
export function keyFits(algorithm: Algorithm, key: Uint8Array): boolean {
  if (algorithm === "aes") return key.length === 16 || key.length === 24 || key.length === 32;
  if (algorithm === "3des2") return key.length === 16;
  if (algorithm === "3des3") return key.length === 24;
  return key.length === 8;
}

function primitive(algorithm: Algorithm, key: Uint8Array): { name: string; key: Uint8Array; iv: Uint8Array | null } {
  if (algorithm === "aes") return { name: `aes-${key.length * 8}-cbc`, key, iv: new Uint8Array(16) };
  const whole =
    key.length === 8 ? concatBytes(key, key, key) : key.length === 16 ? concatBytes(key, key.subarray(0, 8)) : key;
  if (algorithm === "des-ecb") return { name: "des-ede3", key: whole, iv: null };
  return { name: "des-ede3-cbc", key: whole, iv: new Uint8Array(8) };
}

/** Ciphers whole blocks under a zero IV. */
export function encipher(algorithm: Algorithm, key: Uint8Array, clear: Uint8Array): Uint8Array {
  const { name, key: octets, iv } = primitive(algorithm, key);
  const cipher = createCipheriv(name, octets, iv).setAutoPadding(false);
  return concatBytes(cipher.update(clear), cipher.final());
}

/** Deciphers whole blocks under a zero IV. */
export function decipher(algorithm: Algorithm, key: Uint8Array, ciphered: Uint8Array): Uint8Array {
  const { name, key: octets, iv } = primitive(algorithm, key);
  const cipher = createDecipheriv(name, octets, iv).setAutoPadding(false);
  return concatBytes(cipher.update(ciphered), cipher.final());
}

/** One AES block, no chaining. */
export function aesBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return concatBytes(cipher.update(block), cipher.final());
}

/** AES in CBC mode over whole blocks under a given IV. */
export function aesCbc(key: Uint8Array, iv: Uint8Array, data: Uint8Array, way: "encipher" | "decipher"): Uint8Array {
  const name = `aes-${key.length * 8}-cbc`;
  const cipher = way === "encipher" ? createCipheriv(name, key, iv) : createDecipheriv(name, key, iv);
  cipher.setAutoPadding(false);
  return concatBytes(cipher.update(data), cipher.final());
}

function doubled(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(16);
  for (let i = 0; i < 16; i++) out[i] = (((block[i] ?? 0) << 1) | ((block[i + 1] ?? 0) >> 7)) & 0xff;
  if ((block[0] ?? 0) & 0x80) out[15] = (out[15] ?? 0) ^ 0x87;
  return out;
}

/** AES-CMAC, all 16 octets. NIST SP 800-38B */
export function aesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const k1 = doubled(aesBlock(key, new Uint8Array(16)));
  const whole = message.length > 0 && message.length % 16 === 0;
  const subkey = whole ? k1 : doubled(k1);
  const padded = new Uint8Array(Math.max(16, Math.ceil(message.length / 16) * 16));
  padded.set(message);
  if (!whole) padded[message.length] = 0x80;
  const last = padded.length - 16;
  for (let i = 0; i < 16; i++) padded[last + i] = (padded[last + i] ?? 0) ^ (subkey[i] ?? 0);
  return aesCbc(key, new Uint8Array(16), padded, "encipher").slice(-16);
}

/** Cryptographic checksum of `length` octets. TS 102 225 §5.1.3 */
export function checksum(algorithm: Algorithm, key: Uint8Array, message: Uint8Array, length: number): Uint8Array {
  if (algorithm === "aes") return aesCmac(key, message).slice(0, length);
  const padded = new Uint8Array(Math.ceil(message.length / 8) * 8);
  padded.set(message);
  return encipher(algorithm === "des-ecb" ? "des-cbc" : algorithm, key, padded)
    .slice(-8)
    .slice(0, length);
}

function reflectedCrc(message: Uint8Array, polynomial: number): number {
  const ones = polynomial > 0xffff ? 0xffffffff : 0xffff;
  let crc = ones;
  for (const octet of message) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  }
  return (crc ^ ones) >>> 0;
}

/** CRC-16 or CRC-32 of ISO/IEC 13239, most significant octet first. */
export function redundancyCheck(length: 2 | 4, message: Uint8Array): Uint8Array {
  const crc = reflectedCrc(message, length === 2 ? 0x8408 : 0xedb88320);
  const all = [crc >>> 24, crc >>> 16, crc >>> 8, crc].map((octet) => octet & 0xff);
  return Uint8Array.from(all.slice(4 - length));
}

/** Equality in constant time. */
export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
