import type { Secret } from "../../base/secret.ts";
import type { WrappedKey } from "../../codec/gp/put-key.ts";
import { wrapPsk } from "../psk.ts";
import { aesKcv } from "../transport-key.ts";

/**
 * An AES key for PUT KEY: AES-CBC under the static DEK from a zero IV; a key of 24 octets is completed with zeros.
 * GP Amendment D §6.2.8, §7.2.2 @throws crypto.key
 */
export function wrapAesKey(key: Secret, dek: Secret): WrappedKey {
  const octets = key.reveal();
  const encrypted = wrapPsk(octets, dek.reveal(), new Uint8Array((16 - (octets.length % 16)) % 16));
  return { type: 0x88, keyLength: octets.length, encrypted, kcv: aesKcv(octets) };
}
