import { codecError, GatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { buildCommand, parseCommand } from "../../codec/apdu/command-apdu.ts";
import { parseResponse } from "../../codec/apdu/response-apdu.ts";
import type { Handshake } from "./handshake.ts";
import { checkMac, type Scp03Size, SessionCiphers, wrongMac } from "./session-keys.ts";

/** Bits of a security level. GP Amendment D §7.1.2.1 */
const level = { commandMac: 0x01, commandCipher: 0x02, answerMac: 0x10, answerCipher: 0x20 } as const;

/** The security levels: C-MAC, with C-DEC, with R-MAC, with both, and with R-ENC as well. GP Amendment D §7.1.2.1 */
export const securityLevels = [0x01, 0x03, 0x11, 0x13, 0x33] as const;
export type SecurityLevel = (typeof securityLevels)[number];

/** An open secure channel: a value, from which each command and block makes the next. */
export interface SecureChannel {
  readonly ciphers: SessionCiphers;
  readonly level: SecurityLevel;
  readonly size: Scp03Size;
  /** The full MAC of the last command. */
  readonly chain: Uint8Array;
  /** How many commands were enciphered. */
  readonly counter: number;
}

/** A command or block of a channel, and the channel after it. */
interface Sent {
  readonly octets: Uint8Array;
  readonly channel: SecureChannel;
}

/** The chaining value before the first command. */
export const initialChain: Uint8Array = new Uint8Array(16);

/** EXTERNAL AUTHENTICATE, and the channel that it opens. GP Amendment D §6.2.3, §7.1.2 @throws crypto.algorithm for another level */
export function externalAuthenticate({ session, size }: Handshake, securityLevel: SecurityLevel): Sent {
  const ciphers = new SessionCiphers(session);
  const { hostCryptogram } = session;
  const header = Uint8Array.of(0x84, 0x82, securityLevel, 0x00, 2 * size);
  const chain = ciphers.commandMac(initialChain, header, hostCryptogram);
  return {
    octets: concatBytes(header, hostCryptogram, chain.subarray(0, size)),
    channel: { ciphers, level: securityLevel, size, chain, counter: 0 },
  };
}

/** A command in clear is secured: ciphered if the level says so, then a MAC over header and data. GP Amendment D §6.2.4, §6.2.6 */
export function wrapCommand(channel: SecureChannel, command: Uint8Array): Sent {
  const { ciphers, size } = channel;
  const clear = parseCommand(command);
  const ciphered = (channel.level & level.commandCipher) !== 0;
  const counter = ciphered ? channel.counter + 1 : channel.counter;
  const data = ciphered && clear.data.length > 0 ? ciphers.encipher(counter, "command", clear.data) : clear.data;
  const lc = data.length + size;
  if (lc > 255) throw codecError("codec.length", `${lc} octets of secured data, at most 255`, 4, { field: "Lc" });
  const chain = ciphers.commandMac(channel.chain, macHeader(clear, lc), data);
  const secured = { ...clear, cla: secureClass(clear.cla), data: concatBytes(data, chain.subarray(0, size)) };
  return { octets: buildCommand({ ...secured, extended: false }), channel: { ...channel, chain, counter } };
}

/** The reverse of {@link wrapCommand}, for recorded commands. GP Amendment D §6.2.4, §6.2.6 @throws crypto.authentication, codec.* */
export function unwrapCommand(channel: SecureChannel, command: Uint8Array): Sent {
  const { ciphers, size } = channel;
  const secured = parseCommand(command);
  if ((secured.cla & 0x04) === 0 || secured.data.length < size) throw wrongMac("the command has no MAC");
  const end = secured.data.length - size;
  const data = secured.data.subarray(0, end);
  const chain = ciphers.commandMac(channel.chain, macHeader(secured, secured.data.length), data);
  checkMac(chain.subarray(0, size), secured.data.subarray(end), "command MAC");
  const ciphered = (channel.level & level.commandCipher) !== 0;
  const counter = ciphered ? channel.counter + 1 : channel.counter;
  const clear = ciphered && end > 0 ? ciphers.decipher(counter, "command", data) : data;
  const octets = buildCommand({ ...secured, cla: secured.cla & ~0x04, data: clear });
  return { octets, channel: { ...channel, chain, counter } };
}

/** A class byte with secure messaging; its logical channel stays. GP Card Specification §11.1.4 */
function secureClass(cla: number): number {
  if ((cla & 0x40) !== 0)
    throw new GatewayError("crypto.algorithm", "SCP03 is supported on the logical channels 0 to 3 only");
  return cla | 0x04;
}

/** The header as the MAC covers it: with secure messaging, on the basic channel. GP Amendment D §6.2.4 */
function macHeader(command: ReturnType<typeof parseCommand>, lc: number): Uint8Array {
  return Uint8Array.of((command.cla & 0x80) | 0x04, command.ins, command.p1, command.p2, lc);
}

/** An answer in clear. */
interface ClearAnswer {
  readonly data: Uint8Array;
  readonly sw: number;
  /** Its MAC was checked. An error word arrives alone: any party on the way can write it. */
  readonly authentic: boolean;
}

/**
 * The answer to the last command of a channel. An error word carries neither data nor MAC.
 * GP Amendment D §6.2.5, §6.2.7
 * @throws crypto.authentication when the MAC is missing or wrong
 */
export function unwrapAnswer(channel: SecureChannel, response: Uint8Array): ClearAnswer {
  const { ciphers, size, chain, counter } = channel;
  const { data, sw } = parseResponse(response);
  if ((channel.level & level.answerMac) === 0) return { data, sw, authentic: false };
  if (data.length === 0 && !isSuccess(sw)) return { data, sw, authentic: false };
  if (data.length < size) throw wrongMac("the answer has no MAC");
  const end = data.length - size;
  const covered = data.subarray(0, end);
  const mac = ciphers.answerMac(chain, covered, Uint8Array.of(sw >> 8, sw & 0xff));
  checkMac(mac.subarray(0, size), data.subarray(end), "answer MAC");
  const ciphered = (channel.level & level.answerCipher) !== 0 && end > 0;
  return { data: ciphered ? ciphers.decipher(counter, "answer", covered) : covered, sw, authentic: true };
}

/** 9000, and 91xx when a proactive command waits. */
function isSuccess(sw: number): boolean {
  return sw === 0x9000 || sw >> 8 === 0x91;
}
