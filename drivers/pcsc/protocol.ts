import { GatewayError } from "../../src/base/gateway-error.ts";

/*
 * The messages between pcscd and its clients: 32-bit fields in the byte order of the machine (little-endian on all that
 * we run on). A request is `length of the body, command, body`, its answer is the body again without a header.
 * pcsc-lite winscard_msg.h, protocol 4.4 to 4.6
 */

/** Commands a client sends. */
export const pcscCommand = {
  establishContext: 0x01,
  releaseContext: 0x02,
  connect: 0x04,
  reconnect: 0x05,
  disconnect: 0x06,
  transmit: 0x09,
  version: 0x11,
  readersState: 0x12,
  waitReaderStateChange: 0x13,
  /** From 4.6 on: how many readers there are, and their states. */
  readersStateSize: 0x16,
  readersStateArray: 0x17,
} as const;

/** How a card is taken. */
export const shareMode = { exclusive: 1, shared: 2, direct: 3 } as const;
/** Transmission protocols, as a mask. */
export const cardProtocol = { t0: 1, t1: 2 } as const;
/** What happens to the card: on RECONNECT before, on DISCONNECT after. */
export const disposition = { leave: 0, reset: 1, unpower: 2 } as const;

const headerLength = 8;
const readerNameLength = 128;
const readerStateLength = 184;
const readersInState = 16;
/** pcscd numbers its readers with two hexadecimal digits. */
const maxReaders = 256;
const maxAtrLength = 33;

/** Length of the answers, in octets. */
export const answerLength = {
  version: 12,
  context: 12,
  release: 8,
  connect: 4 + readerNameLength + 20,
  reconnect: 24,
  disconnect: 12,
  transmit: 32,
  readersState: readerStateLength * readersInState,
  readersStateSize: 4,
  change: 8,
} as const;

/** One reader as pcscd shows it. */
export interface PcscReaderState {
  readonly name: string;
  /** Counts insertions and removals, so that a fast re-insertion shows. */
  readonly events: number;
  readonly present: boolean;
  /** The card gave no answer to reset. */
  readonly mute: boolean;
  readonly inUse: boolean;
  readonly atr: Uint8Array;
}

/** A request whose body is only 32-bit fields. */
export function fieldsRequest(command: number, fields: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(headerLength + fields.length * 4);
  bytes.writeUInt32LE(fields.length * 4, 0);
  bytes.writeUInt32LE(command, 4);
  fields.forEach((field, i) => {
    bytes.writeUInt32LE(field >>> 0, headerLength + i * 4);
  });
  return bytes;
}

/** CONNECT: takes the card in a reader. @throws link.unknown for a name no reader can have */
export function connectRequest(context: number, reader: string, share: number, protocols: number): Uint8Array {
  const bytes = Buffer.alloc(headerLength + answerLength.connect);
  const name = Buffer.from(reader, "utf8");
  if (name.length >= readerNameLength) {
    throw new GatewayError("link.unknown", "the reader's name is longer than pcscd allows", { detail: { reader } });
  }
  bytes.writeUInt32LE(answerLength.connect, 0);
  bytes.writeUInt32LE(pcscCommand.connect, 4);
  bytes.writeUInt32LE(context, headerLength);
  name.copy(bytes, headerLength + 4);
  bytes.writeUInt32LE(share, headerLength + 4 + readerNameLength);
  bytes.writeUInt32LE(protocols, headerLength + 8 + readerNameLength);
  return bytes;
}

/** What CONNECT answered. */
export function readConnectAnswer(answer: Uint8Array): { card: number; protocol: number; rv: number } {
  const at = 4 + readerNameLength + 8;
  return { card: readField(answer, at), protocol: readField(answer, at + 4), rv: readField(answer, at + 8) };
}

/** A TRANSMIT request that is built once per card and filled per command: no allocation per APDU. */
export class TransmitRequest {
  readonly #bytes: Buffer;

  constructor(card: number, protocol: number, maxCommand: number, maxResponse: number) {
    const bytes = Buffer.alloc(headerLength + answerLength.transmit + maxCommand);
    const fields = [answerLength.transmit, pcscCommand.transmit, card, protocol, 16, 0, protocol, 16, maxResponse, 0];
    fields.forEach((field, i) => {
      bytes.writeUInt32LE(field >>> 0, i * 4);
    });
    this.#bytes = bytes;
  }

  /** The request for a command. Valid until the next call. @throws codec.length */
  fill(command: Uint8Array): Uint8Array {
    const start = headerLength + answerLength.transmit;
    if (command.length > this.#bytes.length - start) {
      throw new GatewayError("codec.length", "the command is longer than a reader accepts", { detail: { offset: 4 } });
    }
    this.#bytes.writeUInt32LE(command.length, headerLength + 12);
    this.#bytes.set(command, start);
    return this.#bytes.subarray(0, start + command.length);
  }
}

/** Result code of a TRANSMIT answer. */
export function transmitResult(answer: Uint8Array): number {
  return readField(answer, 28);
}

/** How many octets of response follow a TRANSMIT answer: none unless it succeeded. */
export function transmitTail(answer: Uint8Array): number {
  return transmitResult(answer) === 0 ? readField(answer, 24) : 0;
}

/** A 32-bit field of an answer. @throws link.service when the answer ends before */
export function readField(answer: Uint8Array, at: number): number {
  const a = answer[at];
  const b = answer[at + 1];
  const c = answer[at + 2];
  const d = answer[at + 3];
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw malformed("it ends early", at);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** The last field of an answer, its result code. */
export function resultOf(answer: Uint8Array): number {
  return readField(answer, answer.length - 4);
}

/** How many readers a READERS STATE SIZE answer reports. @throws link.service for more than pcscd can number */
export function readerCount(answer: Uint8Array): number {
  const count = readField(answer, 0);
  if (count > maxReaders) throw malformed(`it lists ${count} readers`, 0);
  return count;
}

/** Octets of the states of so many readers. */
export function statesLength(readers: number): number {
  return readers * readerStateLength;
}

/** The readers of a READERS STATE answer. @throws link.service when it is malformed */
export function readReaderStates(
  answer: Uint8Array,
  length: number = answerLength.readersState,
): readonly PcscReaderState[] {
  if (answer.length !== length) throw malformed("its length is wrong", answer.length);
  const readers: PcscReaderState[] = [];
  for (let at = 0; at < answer.length; at += readerStateLength) {
    if (answer[at] !== 0) readers.push(readReaderState(answer.subarray(at, at + readerStateLength), at));
  }
  return readers;
}

const stateBit = { present: 0x04, swallowed: 0x08 } as const;

function readReaderState(slot: Uint8Array, offset: number): PcscReaderState {
  const end = slot.subarray(0, readerNameLength).indexOf(0);
  if (end < 0) throw malformed("a reader's name is not terminated", offset);
  const atrLength = readField(slot, 176);
  if (atrLength > maxAtrLength) throw malformed("an ATR is too long", offset + 176);
  const state = readField(slot, 132);
  const present = (state & stateBit.present) !== 0;
  return {
    name: Buffer.from(slot.subarray(0, end)).toString("utf8"),
    events: readField(slot, 128),
    present,
    mute: present && ((state & stateBit.swallowed) !== 0 || atrLength === 0),
    inUse: readField(slot, 136) !== 0,
    atr: present ? slot.slice(140, 140 + atrLength) : new Uint8Array(0),
  };
}

/** The error for an answer that violates pcscd's protocol. */
export function malformed(what: string, offset: number): GatewayError {
  return new GatewayError("link.service", `pcscd's answer is malformed: ${what}`, { detail: { offset } });
}
