import { createCipheriv, createHash } from "node:crypto";
import { GatewayError } from "../base/gateway-error.ts";

/** Key check value of a PSK: the first three octets of its SHA-1. GP Amendment B §3.9.1 */
export function pskKcv(psk: Uint8Array): Uint8Array {
  return createHash("sha1").update(psk).digest().subarray(0, 3);
}

/** Key check value by algorithm `11`: AES of sixteen `01` under half of the key's SHA-256. GP Amendment B v1.2 §3.9.2 */
export function pskKcvAes(psk: Uint8Array): Uint8Array {
  const key = createHash("sha256").update(psk).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  return cipher.update(new Uint8Array(16).fill(1)).subarray(0, 3);
}

/**
 * A PSK under the data encryption key of the channel that carries it: CBC, zero initial value, filled to the block with
 * the given octets. GP Amendment B §3.9.3
 * @throws crypto.key for a DEK of another size, or padding that does not fill the block
 */
export function wrapPsk(psk: Uint8Array, dek: Uint8Array, padding: Uint8Array): Uint8Array {
  if (dek.length !== 16 && dek.length !== 24 && dek.length !== 32) {
    throw new GatewayError("crypto.key", `a DEK must have 16, 24 or 32 octets, not ${dek.length}`);
  }
  if ((psk.length + padding.length) % 16 !== 0 || padding.length > 15) {
    throw new GatewayError("crypto.key", "the padding does not fill the last block", {
      detail: { keyLength: psk.length, paddingLength: padding.length },
    });
  }
  const cipher = createCipheriv(`aes-${dek.length * 8}-cbc`, dek, new Uint8Array(16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(psk), cipher.update(padding), cipher.final()]);
}
