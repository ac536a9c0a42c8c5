import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { buildCommand, commandOf } from "../apdu/command-apdu.ts";
import { writeLength } from "../kit/ber.ts";
import { Reader, Writer } from "../kit/codec.ts";

/** A key ready to be loaded: enciphered with the data encryption key of the channel that carries it. */
export interface WrappedKey {
  /** `88` AES, `85` PSK. */
  readonly type: number;
  /** Octets of the key in clear. */
  readonly keyLength: number;
  /** Key and padding under the DEK. */
  readonly encrypted: Uint8Array;
  /** Three octets. */
  readonly kcv: Uint8Array;
}

/** Data of PUT KEY: new version, then each key with type, length and check value. GP Amendment D §7.2, Amendment B §3.9.1 */
export function putKeyData(kvn: number, keys: readonly WrappedKey[]): Uint8Array {
  const to = new Writer().u8(kvn);
  for (const { type, keyLength, encrypted, kcv } of keys) {
    const inner = new Writer();
    writeLength(inner, keyLength);
    inner.bytes(encrypted);
    to.u8(type);
    writeLength(to, inner.length);
    to.bytes(inner.finish()).u8(kcv.length).bytes(kcv);
  }
  return to.finish();
}

/** P2 when there is more than one key. GP Card Specification §11.8.2.2 */
const severalKeys = 0x80;

/**
 * PUT KEY: `firstId` is the identifier of the first key, `replaces` the version that is replaced, 0 for a new one.
 * GP Card Specification §11.8
 * @throws codec.length for more than 255 octets of data
 */
export function putKeyCommand(
  kvn: number,
  firstId: number,
  keys: readonly WrappedKey[],
  { replaces = 0 }: { readonly replaces?: number } = {},
): Uint8Array {
  const data = putKeyData(kvn, keys);
  if (data.length > 255) throw codecError("codec.length", `${data.length} octets do not fit one PUT KEY`, 0);
  const p2 = keys.length > 1 ? firstId | severalKeys : firstId;
  return buildCommand(commandOf([0x80, 0xd8, replaces, p2], data, 256));
}

/** Answer of PUT KEY: the version and the check values of its keys. GP Card Specification §11.8.3.1 @throws codec.* */
export function readPutKeyAnswer(data: Uint8Array): { readonly kvn: number; readonly kcvs: readonly Uint8Array[] } {
  const from = new Reader(data);
  const kvn = from.u8("key version number");
  const kcvs: Uint8Array[] = [];
  while (!from.ended) kcvs.push(from.take(3, "key check value"));
  return { kvn, kcvs };
}

/** The answer that confirms the keys that were sent. */
export function confirmsKeys(answer: Uint8Array, kvn: number, keys: readonly Pick<WrappedKey, "kcv">[]): boolean {
  const expected = concatBytes(Uint8Array.of(kvn), ...keys.map(({ kcv }) => kcv));
  return expected.length === answer.length && expected.every((octet, index) => octet === answer[index]);
}
