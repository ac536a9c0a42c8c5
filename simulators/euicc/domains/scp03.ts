import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { tlvBytes, writeLength } from "../../../src/codec/kit/ber.ts";
import { Writer } from "../../../src/codec/kit/codec.ts";
import { refuse } from "../apdu.ts";
import type { KeySetState } from "../card-state.ts";
import { aesBlock, aesCbc, aesCmac, sameSecret } from "../secured/scp80-crypto.ts";

/** Static keys of an SCP03 set. */
interface StaticKeys {
  readonly enc: Uint8Array;
  readonly mac: Uint8Array;
}

const derivation = { cardCryptogram: 0, hostCryptogram: 1, challenge: 2, enc: 4, mac: 6, rmac: 7 } as const;

/** Key derivation in counter mode with CMAC, 128 bits a turn. NIST SP 800-108, GP Amendment D §4.1.5 */
function kdf(key: Uint8Array, constant: number, bits: number, context: Uint8Array): Uint8Array {
  const head = new Writer().bytes(new Uint8Array(11)).u8(constant).u8(0).uint(bits, 2).finish();
  const turns = Array.from({ length: Math.ceil(bits / 128) }, (_, i) =>
    aesCmac(key, concatBytes(head, Uint8Array.of(i + 1), context)),
  );
  return concatBytes(...turns).slice(0, bits / 8);
}

/** Security levels of EXTERNAL AUTHENTICATE: C-MAC, C-DEC, R-MAC, R-ENC in the combinations there are. GP Amendment D §7.1.2 */
const levels: readonly number[] = [0x01, 0x03, 0x11, 0x13, 0x33];

/** One secure channel, from INITIALIZE UPDATE on. GP Amendment D, SGP.02 §2.5 */
export interface Scp03Session {
  readonly sEnc: Uint8Array;
  readonly sMac: Uint8Array;
  readonly sRmac: Uint8Array;
  readonly hostCryptogram: Uint8Array;
  /** Static key that ciphers keys inside the channel. */
  readonly dek: Uint8Array;
  /** Whether commands come as APDUs or as the TLVs of SCP03t. */
  readonly mode: "apdu" | "scp03t";
  /** The packet that began an APDU channel is over. */
  stale?: boolean;
  /** Security level after EXTERNAL AUTHENTICATE; 0 before. */
  level: number;
  chain: Uint8Array;
  counter: number;
}

function keyOf(set: KeySetState, id: number): Uint8Array {
  return fromHex(set.keys.find((key) => key.id === id)?.value ?? "");
}

/**
 * INITIALIZE UPDATE: the answer's 32 octets and the session. Counts the set's sequence counter up, whether the session
 * is authenticated or not; the caller makes that durable.
 * @throws card.status 6985 when the counter is used up
 */
export function initializeUpdate(
  set: KeySetState,
  aid: Uint8Array,
  hostChallenge: Uint8Array,
  mode: Scp03Session["mode"] = "apdu",
): { readonly response: Uint8Array; readonly session: Scp03Session } {
  const last = Number.parseInt(set.cntr ?? "0", 16);
  if (last >= 0xffffff) refuse(0x6985);
  const sequence = last + 1;
  set.cntr = sequence.toString(16).toUpperCase().padStart(6, "0");
  const seq = fromHex(set.cntr);
  const keys: StaticKeys = { enc: keyOf(set, 1), mac: keyOf(set, 2) };
  const cardChallenge = kdf(keys.enc, derivation.challenge, 64, concatBytes(seq, aid));
  const context = concatBytes(hostChallenge, cardChallenge);
  const bits = keys.mac.length * 8;
  const sMac = kdf(keys.mac, derivation.mac, bits, context);
  const session: Scp03Session = {
    sEnc: kdf(keys.enc, derivation.enc, bits, context),
    sMac,
    sRmac: kdf(keys.mac, derivation.rmac, bits, context),
    hostCryptogram: kdf(sMac, derivation.hostCryptogram, 64, context),
    dek: keyOf(set, 3),
    mode,
    level: 0,
    chain: new Uint8Array(16),
    counter: 0,
  };
  const cryptogram = kdf(sMac, derivation.cardCryptogram, 64, context);
  const head = Uint8Array.of(set.kvn, 0x03, 0x70);
  return { response: concatBytes(new Uint8Array(10), head, cardChallenge, cryptogram, seq), session };
}

/** Checks a C-MAC over chaining value and input; moves the chain when it is right. */
function acceptMac(session: Scp03Session, input: Uint8Array, mac: Uint8Array): boolean {
  const whole = aesCmac(session.sMac, concatBytes(session.chain, input));
  if (!sameSecret(whole.slice(0, 8), mac)) return false;
  session.chain = whole;
  return true;
}

/** EXTERNAL AUTHENTICATE; `head` is what the MAC covers before the cryptogram. */
export function externalAuthenticate(
  session: Scp03Session,
  level: number,
  head: Uint8Array,
  data: Uint8Array,
): boolean {
  const cryptogram = data.subarray(0, 8);
  if (
    data.length !== 16 ||
    session.level !== 0 ||
    !levels.includes(level) ||
    !sameSecret(cryptogram, session.hostCryptogram)
  )
    return false;
  if (!acceptMac(session, concatBytes(head, cryptogram), data.subarray(8))) return false;
  session.level = level;
  return true;
}

function icv(session: Scp03Session, response: boolean): Uint8Array {
  const block = new Uint8Array(16);
  new DataView(block.buffer).setUint32(12, session.counter);
  if (response) block[0] = 0x80;
  return aesBlock(session.sEnc, block);
}

function unpadded(bytes: Uint8Array): Uint8Array | undefined {
  let end = bytes.length - 1;
  while (end >= 0 && bytes[end] === 0) end -= 1;
  return bytes[end] === 0x80 ? bytes.slice(0, end) : undefined;
}

function padded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array((Math.floor(bytes.length / 16) + 1) * 16);
  out.set(bytes);
  out[bytes.length] = 0x80;
  return out;
}

/** Opens command data whose MAC covers `head` and the ciphertext; undefined when it does not verify. */
export function openCommand(session: Scp03Session, head: Uint8Array, data: Uint8Array): Uint8Array | undefined {
  const ciphered = data.subarray(0, -8);
  if (data.length < 8 || !acceptMac(session, concatBytes(head, ciphered), data.subarray(-8))) return undefined;
  if ((session.level & 0x02) === 0) return ciphered.slice();
  session.counter += 1;
  if (ciphered.length === 0) return new Uint8Array(0);
  if (ciphered.length % 16) return undefined;
  return unpadded(aesCbc(session.sEnc, icv(session, false), ciphered, "decipher"));
}

/** Ciphers response data (R-ENC); empty data stays empty. */
export function sealResponse(session: Scp03Session, clear: Uint8Array): Uint8Array {
  if (clear.length === 0 || (session.level & 0x20) === 0) return clear;
  return aesCbc(session.sEnc, icv(session, true), padded(clear), "encipher");
}

/** R-MAC over the chaining value and the input. */
export function responseMac(session: Scp03Session, input: Uint8Array): Uint8Array {
  return aesCmac(session.sRmac, concatBytes(session.chain, input)).slice(0, 8);
}

/** A response TLV 86 of SCP03t. SGP.02 §4.1.3.3 */
export function sealedTlv(session: Scp03Session, clear: Uint8Array): Uint8Array {
  if (clear.length === 0) return Uint8Array.of(0x86, 0x00);
  const ciphered = sealResponse(session, clear);
  const head = tlvHead(0x86, ciphered.length + 8);
  return tlvBytes(0x86, ciphered, responseMac(session, concatBytes(head, ciphered)));
}

/** Tag and length octets of a TLV. */
export function tlvHead(tag: number, length: number): Uint8Array {
  const to = new Writer().u8(tag);
  writeLength(to, length);
  return to.finish();
}
