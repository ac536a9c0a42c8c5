import { concatBytes } from "../../base/hex.ts";
import { scp03tTag } from "../../codec/euicc/scp03t.ts";
import { readTlv, writeLength } from "../../codec/kit/ber.ts";
import { Reader, Writer } from "../../codec/kit/codec.ts";
import { initialChain, type SecureChannel } from "./apdu-channel.ts";
import type { Handshake } from "./handshake.ts";
import { checkMac, SessionCiphers, wrongMac } from "./session-keys.ts";

/** A TLV of SCP03t, and the channel after it. */
interface Sealed {
  readonly block: Uint8Array;
  readonly channel: SecureChannel;
}

/** SCP03t has one level: MAC and cipher in both directions. SGP.02 §4.1.3.3 */
const securityLevel = 0x33;

/** EXTERNAL AUTHENTICATE of SCP03t (tag 85), and the channel that it opens. SGP.02 §4.1.3.3 */
export function authenticateBlock({ session, size }: Handshake): Sealed {
  const ciphers = new SessionCiphers(session);
  const { hostCryptogram } = session;
  const header = Uint8Array.of(scp03tTag.externalAuthenticate, 1 + 2 * size, securityLevel);
  const chain = ciphers.commandMac(initialChain, header, hostCryptogram);
  return {
    block: concatBytes(header, hostCryptogram, chain.subarray(0, size)),
    channel: { ciphers, level: securityLevel, size, chain, counter: 0 },
  };
}

/** Seals octets of a profile package (tag 86). The MAC covers tag and length as sent: the shortest form. SGP.02 §4.1.3.3 */
export function sealBlock(channel: SecureChannel, clear: Uint8Array): Sealed {
  const { ciphers, level, size } = channel;
  const counter = channel.counter + 1;
  const cipher = ciphers.encipher(counter, "command", clear);
  const to = new Writer(cipher.length + size + 5).u8(scp03tTag.data);
  writeLength(to, cipher.length + size);
  to.bytes(cipher);
  const chain = ciphers.commandMac(channel.chain, to.view());
  const block = to.bytes(chain.subarray(0, size)).view();
  return { block, channel: { ciphers, level, size, chain, counter } };
}

/** Opens a sealed block, as a card does, for recorded sessions. SGP.02 §4.1.3.3 @throws crypto.authentication, codec.* */
export function openBlock(channel: SecureChannel, block: Uint8Array): { clear: Uint8Array; channel: SecureChannel } {
  const { ciphers, size } = channel;
  const { header, cipher, mac } = partsOf(block, size);
  const chain = ciphers.commandMac(channel.chain, header, cipher);
  checkMac(chain.subarray(0, size), mac, "block MAC");
  const counter = channel.counter + 1;
  return { clear: ciphers.decipher(counter, "command", cipher), channel: { ...channel, chain, counter } };
}

/**
 * Opens the card's answer to the last block of the channel: the first authentic octets that it sends.
 * SGP.02 §4.1.3.3 @throws crypto.authentication, codec.*
 */
export function openAnswer({ ciphers, size, chain, counter }: SecureChannel, answer: Uint8Array): Uint8Array {
  const { header, cipher, mac } = partsOf(answer, size);
  checkMac(ciphers.answerMac(chain, header, cipher).subarray(0, size), mac, "answer MAC");
  return ciphers.decipher(counter, "answer", cipher);
}

/** Header as sent, ciphered data and MAC of a TLV. */
function partsOf(octets: Uint8Array, size: number) {
  const from = new Reader(octets);
  const { tag, value, valueOffset } = readTlv(from);
  from.end("block");
  if (tag !== scp03tTag.data || value.length < size) throw wrongMac("the block has no MAC");
  const end = value.length - size;
  return { header: octets.subarray(0, valueOffset), cipher: value.subarray(0, end), mac: value.subarray(end) };
}
