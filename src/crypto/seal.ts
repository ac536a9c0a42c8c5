import { createCipheriv, createDecipheriv, createSecretKey, randomFillSync } from "node:crypto";
import { GatewayError } from "../base/gateway-error.ts";
import type { Secret } from "../base/secret.ts";

const version = 1;
const nonceOctets = 12;
const tagOctets = 16;
/** Nonces that are drawn at once: a draw for each costs as much as the cipher. */
const noncesDrawn = 256;

/** Random nonces, each handed out once; one is valid until the next call. */
function nonceSource(): () => Buffer {
  const drawn = Buffer.alloc(noncesDrawn * nonceOctets);
  let at = drawn.length;
  return () => {
    if (at === drawn.length) {
      randomFillSync(drawn);
      at = 0;
    }
    const nonce = drawn.subarray(at, at + nonceOctets);
    at += nonceOctets;
    return nonce;
  };
}

/**
 * Authenticated encryption of keys at rest: AES-256-GCM, `01 nonce(12) ciphertext tag(16)`, bound to its purpose so
 * that a sealed value cannot be moved to another record.
 */
export function sealWith(masterKey: Secret): {
  seal(clear: Uint8Array, purpose: string): Uint8Array;
  open(sealed: Uint8Array, purpose: string): Uint8Array;
} {
  if (masterKey.length !== 32) {
    throw new GatewayError("crypto.master-key", `the master key has ${masterKey.length} octets instead of 32`);
  }
  const key = createSecretKey(masterKey.reveal());
  const nextNonce = nonceSource();
  return {
    seal(clear, purpose) {
      const nonce = nextNonce();
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(purpose));
      const sealed = Buffer.allocUnsafe(1 + nonceOctets + clear.length + tagOctets);
      sealed[0] = version;
      sealed.set(nonce, 1);
      sealed.set(cipher.update(clear), 1 + nonceOctets);
      // Nothing is left over in this mode of operation; the call completes the tag.
      cipher.final();
      sealed.set(cipher.getAuthTag(), 1 + nonceOctets + clear.length);
      return sealed;
    },
    open(sealed, purpose) {
      const refuse = (cause?: unknown): never => {
        throw new GatewayError("crypto.master-key", "a stored key cannot be opened with this master key", { cause });
      };
      if (sealed[0] !== version || sealed.length < 1 + nonceOctets + tagOctets) return refuse();
      const nonce = sealed.subarray(1, 1 + nonceOctets);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagOctets });
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(sealed.subarray(-tagOctets));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(1 + nonceOctets, -tagOctets)), decipher.final()]);
      } catch (cause) {
        return refuse(cause);
      }
    },
  };
}
