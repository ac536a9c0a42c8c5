import { createHash } from "node:crypto";
import { concatBytes, equalBytes, toHex } from "../../../src/base/hex.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { refuse } from "../apdu.ts";
import type { KeySetState } from "../card-state.ts";
import { aesBlock, aesCbc, decipher, encipher } from "../secured/scp80-crypto.ts";

type StoredKey = KeySetState["keys"][number];

/** Key check value of a key. GP Card Specification §B.6, Amendment B §3.9.1, Amendment D §4.1.1 */
function keyCheckValue(type: StoredKey["type"], key: Uint8Array): Uint8Array {
  if (type === "PSK") return new Uint8Array(createHash("sha1").update(key).digest()).slice(0, 3);
  if (type === "AES") return aesBlock(key, new Uint8Array(16).fill(1)).slice(0, 3);
  return encipher(key.length === 24 ? "3des3" : key.length === 16 ? "3des2" : "des-cbc", key, new Uint8Array(8)).slice(
    0,
    3,
  );
}

function typeOf(code: number): StoredKey["type"] {
  if (code === 0x88) return "AES";
  if (code === 0x85) return "PSK";
  if (code >= 0x80 && code <= 0x84) return "3DES";
  return refuse(0x9484);
}

function open(dek: Uint8Array, ciphered: Uint8Array): Uint8Array {
  if (ciphered.length === 0 || ciphered.length % 8) return refuse(0x6a80);
  if (ciphered.length % 16 === 0) return aesCbc(dek, new Uint8Array(16), ciphered, "decipher");
  return dek.length === 16 ? decipher("3des2", dek, ciphered) : refuse(0x6a80);
}

/**
 * PUT KEY: the new key set, and the confirmation `KVN {KCV}`. Keys arrive ciphered under the channel's DEK.
 * @throws card.status 9484 unknown algorithm, 9485 wrong check value, 6A80 malformed
 */
export function readPutKey(
  p2: number,
  data: Uint8Array,
  dek: Uint8Array,
): { readonly kvn: number; readonly keys: StoredKey[]; readonly response: Uint8Array } {
  const from = new Reader(data);
  const kvn = from.u8("key version");
  const keys: StoredKey[] = [];
  const checks: Uint8Array[] = [Uint8Array.of(kvn)];
  while (!from.ended) {
    const code = from.u8("key type");
    const type = typeOf(code);
    const field = from.sub(from.u8("key length"), "key");
    const clearLength = type === "3DES" ? undefined : field.u8("clear length");
    const value = open(dek, field.rest()).slice(0, clearLength);
    const check = from.take(from.u8("KCV length"), "KCV");
    const own = keyCheckValue(type, value);
    if (check.length > 0 && !equalBytes(check, own.slice(0, check.length))) return refuse(0x9485);
    keys.push({ id: (p2 & 0x7f) + keys.length, type, value: toHex(value) });
    checks.push(own);
  }
  if (keys.length === 0) return refuse(0x6a80);
  return { kvn, keys, response: concatBytes(...checks) };
}

/** Adds a key set, in place of one with the same version. */
export function replaceKeySet(sets: KeySetState[], set: KeySetState): void {
  const at = sets.findIndex(({ kvn }) => kvn === set.kvn);
  if (at < 0) sets.push(set);
  else sets[at] = set;
}

/** Key information template: `E0 { C0 id kvn type length }`. GP Card Specification §11.3.3.1 */
export function keyInformation(sets: readonly KeySetState[]): Uint8Array {
  const codes = { DES: 0x80, "3DES": 0x80, AES: 0x88, PSK: 0x85 };
  const entries = sets.flatMap(({ kvn, keys }) =>
    keys.map(({ id, type, value }) => Uint8Array.of(0xc0, 0x04, id, kvn, codes[type], value.length / 2)),
  );
  const body = concatBytes(...entries);
  const length = body.length < 0x80 ? [body.length] : [0x81, body.length];
  return concatBytes(Uint8Array.of(0xe0, ...length), body);
}
