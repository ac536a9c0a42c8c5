import { GatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { Secret } from "../../base/secret.ts";
import { type BlockCipher, blockCipher } from "../block-cipher.ts";
import { aesCmac, type Cmac, equalSecret } from "../mac.ts";

/** Static keys of a security domain. GP Amendment D §5.1 */
export interface StaticKeys {
  readonly enc: Secret;
  readonly mac: Secret;
}

/** Octets of challenges, cryptograms and MACs: 8 (S8) or 16 (S16). No card is known that uses S16. GP Amendment D §5.3 */
export type Scp03Size = 8 | 16;

/** Derivation constants. GP Amendment D §4.1.5, table 4-1 */
const constants = {
  cardCryptogram: 0x00,
  hostCryptogram: 0x01,
  cardChallenge: 0x02,
  sEnc: 0x04,
  sMac: 0x06,
  sRmac: 0x07,
} as const;

/**
 * Key derivation in counter mode with CMAC. One CMAC gives 16 octets: longer keys take two. NIST SP 800-108 §5.1, GP
 * Amendment D §4.1.5
 */
function derive(key: Cmac, constant: keyof typeof constants, octets: number, context: Uint8Array): Uint8Array {
  const input = new Uint8Array(16 + context.length);
  input[11] = constants[constant];
  input[13] = (octets * 8) >> 8;
  input[14] = (octets * 8) & 0xff;
  input.set(context, 16);
  const parts: Uint8Array[] = [];
  for (let count = 1; count <= Math.ceil(octets / 16); count++) {
    input[15] = count;
    parts.push(key(input));
  }
  return concatBytes(...parts).slice(0, octets);
}

/**
 * The pseudo-random challenge that a card will give, which lets a host authenticate before it has seen it.
 * @param sequence of the card, 1 to 0xFFFFFF
 * @param aid of the security domain that is addressed. GP Amendment D §6.2.2.1
 */
export function cardChallenge(enc: Secret, sequence: number, aid: Uint8Array, size: Scp03Size): Uint8Array {
  const context = concatBytes(Uint8Array.of(sequence >> 16, (sequence >> 8) & 0xff, sequence & 0xff), aid);
  return derive(aesCmac(enc.reveal()), "cardChallenge", size, context);
}

/** What both sides derive of the static keys and the two challenges. */
export interface DerivedSession {
  readonly sEnc: Secret;
  readonly sMac: Secret;
  readonly sRmac: Secret;
  readonly cardCryptogram: Uint8Array;
  readonly hostCryptogram: Uint8Array;
}

/** Session keys and cryptograms. GP Amendment D §6.2.1, §6.2.2 @throws crypto.key for keys that are not AES keys */
export function deriveSession(
  keys: StaticKeys,
  hostChallenge: Uint8Array,
  challenge: Uint8Array,
  size: Scp03Size,
): DerivedSession {
  const context = concatBytes(hostChallenge, challenge);
  const enc = aesCmac(keys.enc.reveal());
  const mac = aesCmac(keys.mac.reveal());
  const sMac = derive(mac, "sMac", keys.mac.length, context);
  const cryptograms = aesCmac(sMac);
  return {
    sEnc: new Secret(derive(enc, "sEnc", keys.enc.length, context)),
    sMac: new Secret(sMac),
    sRmac: new Secret(derive(mac, "sRmac", keys.mac.length, context)),
    cardCryptogram: derive(cryptograms, "cardCryptogram", size, context),
    hostCryptogram: derive(cryptograms, "hostCryptogram", size, context),
  };
}

/** Whether octets are a command's or an answer's: their initial values differ. */
type Direction = "command" | "answer";

const block = 16;

/** The ciphers of a session, which keep their key schedules. Prints as `[secret]`. GP Amendment D §6.2 */
export class SessionCiphers {
  readonly #enc: BlockCipher;
  readonly #mac: Cmac;
  readonly #rmac: Cmac;
  /** Input of the cipher, kept: allocation takes longer than the cipher itself. */
  #buffer = new Uint8Array(64);

  /** @throws crypto.key */
  constructor({ sEnc, sMac, sRmac }: Pick<DerivedSession, "sEnc" | "sMac" | "sRmac">) {
    this.#enc = blockCipher("AES", sEnc.reveal());
    this.#mac = aesCmac(sMac.reveal());
    this.#rmac = aesCmac(sRmac.reveal());
  }

  /**
   * Pads by `80 00…` and enciphers. The initial value is the counter block enciphered under the same key: CBC over that
   * block and the data gives both in one pass. GP Amendment D §6.2.6
   */
  encipher(counter: number, direction: Direction, clear: Uint8Array): Uint8Array {
    const length = block + (Math.floor(clear.length / block) + 1) * block;
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(2 * length);
    const input = this.#buffer.subarray(0, length);
    writeCounter(input, counter, direction);
    input.set(clear, block);
    input.fill(0, block + clear.length).fill(0x80, block + clear.length, block + clear.length + 1);
    return this.#enc.encryptOnce(input).subarray(block);
  }

  /** Deciphers and removes the padding. @throws crypto.authentication when there is none. GP Amendment D §6.2.7 */
  decipher(counter: number, direction: Direction, cipher: Uint8Array): Uint8Array {
    if (cipher.length === 0 || cipher.length % block !== 0) throw notCiphered();
    const counterBlock = new Uint8Array(block);
    writeCounter(counterBlock, counter, direction);
    const initial = this.#enc.encryptOnce(counterBlock);
    const clear = this.#enc.decrypt(cipher);
    for (let i = 0; i < block; i++) clear[i] = (clear[i] ?? 0) ^ (initial[i] ?? 0);
    let end = clear.length - 1;
    while (end > clear.length - block && clear[end] === 0) end -= 1;
    if (clear[end] !== 0x80) throw notCiphered();
    return clear.subarray(0, end);
  }

  /** The full MAC of a command, which is the chaining value of the next one. GP Amendment D §6.2.4 */
  commandMac(...parts: readonly Uint8Array[]): Uint8Array {
    return this.#mac(...parts);
  }

  /** The MAC of an answer. GP Amendment D §6.2.5 */
  answerMac(...parts: readonly Uint8Array[]): Uint8Array {
    return this.#rmac(...parts);
  }

  toJSON(): string {
    return "[secret]";
  }
}

function writeCounter(to: Uint8Array, counter: number, direction: Direction): void {
  to.fill(0, 0, block);
  if (direction === "answer") to[0] = 0x80;
  to[12] = counter >>> 24;
  to[13] = (counter >>> 16) & 0xff;
  to[14] = (counter >>> 8) & 0xff;
  to[15] = counter & 0xff;
}

function notCiphered(): GatewayError {
  return wrongMac("the data are not enciphered with the keys and the counter of this session");
}

/** A cryptogram or MAC that is not the one of this session's keys. */
export function wrongMac(message: string): GatewayError {
  return new GatewayError("crypto.authentication", message);
}

/** Compares the octets that were sent of a MAC or cryptogram, in constant time. @throws crypto.authentication */
export function checkMac(expected: Uint8Array, given: Uint8Array, name: string): void {
  if (!equalSecret(expected, given)) throw wrongMac(`the ${name} is wrong`);
}
