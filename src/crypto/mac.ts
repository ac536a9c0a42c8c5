import { timingSafeEqual } from "node:crypto";
import type { CipherAlgorithm, MacAlgorithm } from "../codec/ota/key-identifier.ts";
import { type BlockCipher, blockCipher } from "./block-cipher.ts";

/** A keyed checksum; returns all its octets (16 for AES-CMAC, 8 for the others). */
export type Mac = (message: Uint8Array) => Uint8Array;

function doubled(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(16);
  let carry = 0;
  for (let i = 15; i >= 0; i--) {
    const octet = block[i] ?? 0;
    out[i] = ((octet << 1) | carry) & 0xff;
    carry = octet >> 7;
  }
  if (carry) out[15] = (out[15] ?? 0) ^ 0x87;
  return out;
}

function lastBlock(cipher: BlockCipher, message: Uint8Array): Uint8Array {
  const output = cipher.encryptOnce(message);
  return output.subarray(output.length - cipher.blockSize);
}

/** AES-CMAC over the parts of a message, joined. */
export type Cmac = (...parts: readonly Uint8Array[]) => Uint8Array;

/** AES-CMAC with a kept key schedule and a kept buffer. NIST SP 800-38B */
export function aesCmac(key: Uint8Array): Cmac {
  const cipher = blockCipher("AES", key);
  const whole = doubled(lastBlock(cipher, new Uint8Array(16)));
  const partial = doubled(whole);
  let buffer = new Uint8Array(64);
  return (...parts) => {
    let length = 0;
    for (const part of parts) length += part.length;
    const padded = Math.max(1, Math.ceil(length / 16)) * 16;
    if (padded > buffer.length) buffer = new Uint8Array(2 * padded);
    const input = buffer.subarray(0, padded);
    let at = 0;
    for (const part of parts) {
      input.set(part, at);
      at += part.length;
    }
    const complete = length === padded;
    if (!complete) input.fill(0, length).fill(0x80, length, length + 1);
    const subkey = complete ? whole : partial;
    const start = padded - 16;
    for (let i = 0; i < 16; i++) input[start + i] = (input[start + i] ?? 0) ^ (subkey[i] ?? 0);
    return lastBlock(cipher, input);
  };
}

/** CBC-MAC with zero IV; zero octets complete the last block only where needed. ETSI TS 102 225 §5.1.3 */
function desMac(algorithm: Extract<CipherAlgorithm, "DES-CBC" | "3DES-2" | "3DES-3">, key: Uint8Array): Mac {
  const cipher = blockCipher(algorithm, key);
  return (message) => {
    const input = new Uint8Array(Math.max(1, Math.ceil(message.length / 8)) * 8);
    input.set(message);
    return lastBlock(cipher, input);
  };
}

/** The MAC that a KID names, with a kept key schedule. @throws crypto.key if the key does not fit */
export function macOf(algorithm: MacAlgorithm, key: Uint8Array): Mac {
  if (algorithm === "AES-CMAC") return aesCmac(key);
  return desMac(algorithm === "DES" ? "DES-CBC" : algorithm, key);
}

/** Equality in constant time. */
export function equalSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
