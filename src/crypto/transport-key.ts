import { createCipheriv, createDecipheriv } from "node:crypto";
import { GatewayError } from "../base/gateway-error.ts";

/** A key value under the transport key of an EIS: AES-128 ECB with PKCS#7 padding. @throws crypto.key */
export function unwrapKeyValue(wrapped: Uint8Array, transportKey: Uint8Array): Uint8Array {
  if (transportKey.length !== 16) throw new GatewayError("crypto.key", "the transport key must have 16 octets");
  try {
    const cipher = createDecipheriv("aes-128-ecb", transportKey, null);
    return new Uint8Array(Buffer.concat([cipher.update(wrapped), cipher.final()]));
  } catch {
    // The platform's own error about the padding would help only an attacker.
    throw new GatewayError("crypto.key", "a key value cannot be unwrapped with the transport key");
  }
}

/** Key check value of an AES key: three octets of sixteen 01 under it. GP Amendment E §4.1.4 */
export function aesKcv(key: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return new Uint8Array(cipher.update(new Uint8Array(16).fill(1)).subarray(0, 3));
}
