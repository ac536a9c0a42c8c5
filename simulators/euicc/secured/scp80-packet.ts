import { concatBytes } from "../../../src/base/hex.ts";
import { Writer } from "../../../src/codec/kit/codec.ts";
import {
  type Algorithm,
  blockSize,
  checksum,
  cipherAlgorithm,
  decipher,
  encipher,
  keyFits,
  macAlgorithm,
  redundancyCheck,
  sameSecret,
} from "./scp80-crypto.ts";

/** Status of a response packet. TS 102 225 §5.2 */
export const porStatus = {
  ok: 0x00,
  checkFailed: 0x01,
  counterLow: 0x02,
  counterHigh: 0x03,
  counterBlocked: 0x04,
  cipheringError: 0x05,
  unidentified: 0x06,
  tarUnknown: 0x09,
  levelTooLow: 0x0a,
  answerInSubmit: 0x0b,
} as const;

/** Keys of one SCP80 key set as the card uses them. */
export interface PacketKeys {
  readonly kic: Uint8Array;
  readonly kid: Uint8Array;
  /** Octets of CC the set insists on; DES families always have 8. */
  readonly ccLength: 4 | 8;
}

/** The clear part of a command packet. TS 102 225 §5.1 */
export interface PacketHeader {
  readonly spi1: number;
  readonly spi2: number;
  readonly kic: number;
  readonly kid: number;
  /** Toolkit application reference as a 24-bit number. */
  readonly tar: number;
  readonly chl: number;
}

/** What {@link verifyCommand} found. */
type Verdict =
  | { readonly at: "malformed" }
  | { readonly at: "refused"; readonly status: number; readonly cntr: number }
  | { readonly at: "authentic"; readonly cntr: number; readonly data: Uint8Array };

/** Key version that the packet names: of KIc when it is ciphered, otherwise of KID. 0 = implicit. */
export function packetKvn({ spi1, kic, kid }: PacketHeader): number {
  if ((spi1 & 0x03) !== 0) return kid >> 4;
  return (spi1 & 0x04 ? kic : kid || kic) >> 4;
}

/** The header of a packet whose lengths add up, otherwise undefined. */
export function readHeader(packet: Uint8Array): PacketHeader | undefined {
  const u8 = (at: number) => packet[at] ?? 0;
  const chl = u8(2);
  if (packet.length < 16 || u8(0) * 256 + u8(1) !== packet.length - 2 || chl < 13) return undefined;
  const header = {
    chl,
    spi1: u8(3),
    spi2: u8(4),
    kic: u8(5),
    kid: u8(6),
    tar: u8(7) * 65536 + u8(8) * 256 + u8(9),
  };
  const check = chl - 13;
  if (packet.length < 16 + check) return undefined;
  return checkLengthPossible(header, check) ? header : undefined;
}

function checkLengthPossible({ spi1, kid }: PacketHeader, length: number): boolean {
  switch (spi1 & 0x03) {
    case 0:
      return length === 0;
    case 1:
      return length === ((kid & 0x0f) === 5 ? 4 : 2);
    case 2:
      return length === 8 || length === 4;
    default:
      return true;
  }
}

function implied(key: Uint8Array): Algorithm {
  return key.length === 8 ? "des-cbc" : "aes";
}

/** Cipher algorithm of the header; nibble 0 leaves it to the key. Undefined when the key does not fit. */
function cipherOf(kic: number, key: Uint8Array): Algorithm | undefined {
  const algorithm = (kic & 0x0f) === 0 ? implied(key) : cipherAlgorithm(kic);
  return algorithm && keyFits(algorithm, key) ? algorithm : undefined;
}

function macOf(kid: number, key: Uint8Array): Algorithm | undefined {
  const algorithm = (kid & 0x0f) === 0 ? implied(key) : macAlgorithm(kid);
  return algorithm && keyFits(algorithm, key) ? algorithm : undefined;
}

/** Deciphers and checks a command packet; counters and security level are the caller's business. */
export function verifyCommand(packet: Uint8Array, header: PacketHeader, keys: PacketKeys): Verdict {
  let body = packet.subarray(10);
  let block = 1;
  const bad = (status: number): Verdict => ({ at: "refused", status, cntr: counterIn(body) });
  if (header.spi1 & 0x04) {
    const algorithm = cipherOf(header.kic, keys.kic);
    if (!algorithm) return { at: "refused", status: porStatus.unidentified, cntr: 0 };
    block = blockSize(algorithm);
    if (body.length % block !== 0) return { at: "malformed" };
    body = decipher(algorithm, keys.kic, body);
  }
  const length = header.chl - 13;
  const check = body.subarray(6, 6 + length);
  const padded = body.subarray(6 + length);
  const input = concatBytes(packet.subarray(0, 10), body.subarray(0, 6), padded);
  const kind = header.spi1 & 0x03;
  if (kind === 3) return bad(porStatus.unidentified);
  if (kind === 2) {
    const algorithm = macOf(header.kid, keys.kid);
    if (!algorithm) return bad(porStatus.unidentified);
    if (length !== (algorithm === "aes" ? keys.ccLength : 8)) return bad(porStatus.checkFailed);
    if (!sameSecret(check, checksum(algorithm, keys.kid, input, length))) return bad(porStatus.checkFailed);
  }
  if (kind === 1 && !sameSecret(check, redundancyCheck(length === 2 ? 2 : 4, input))) return bad(porStatus.checkFailed);
  const padding = body[5] ?? 0;
  if (padding > padded.length) return { at: "malformed" };
  return { at: "authentic", cntr: counterIn(body), data: padded.subarray(0, padded.length - padding) };
}

function counterIn(body: Uint8Array): number {
  return body.subarray(0, 5).reduce((value, octet) => value * 256 + octet, 0);
}

/** Meaning of the replay check: accepted with the value to store, or a status. TS 102 225 §5.1.4 */
export function evaluateCounter(spi1: number, received: number, stored: number): { status: number; stored: number } {
  const mode = (spi1 >> 3) & 0x03;
  if (mode < 2) return { status: porStatus.ok, stored };
  if (stored >= 0xffffffffff) return { status: porStatus.counterBlocked, stored };
  if (received <= stored) return { status: porStatus.counterLow, stored };
  if (mode === 3 && received > stored + 1) return { status: porStatus.counterHigh, stored };
  return { status: porStatus.ok, stored: received };
}

/** Everything a response packet is made of. */
export interface ResponseParts {
  readonly header: PacketHeader;
  /** Absent when the key set is unknown: the packet then goes in clear. */
  readonly keys: PacketKeys | undefined;
  readonly cntr: number;
  readonly status: number;
  readonly data: Uint8Array;
}

interface Security {
  readonly cipher?: { readonly algorithm: Algorithm; readonly key: Uint8Array };
  readonly check: number;
  readonly sum: (input: Uint8Array) => Uint8Array;
}

function responseSecurity({ header: { spi2, kic, kid }, keys, status }: ResponseParts): Security {
  const clear: Security = { check: 0, sum: () => new Uint8Array(0) };
  const kind = (spi2 >> 2) & 0x03;
  if (keys === undefined || status === porStatus.unidentified) return clear;
  let security = clear;
  if (kind === 1) {
    const length = (kid & 0x0f) === 5 ? 4 : 2;
    security = { check: length, sum: (input) => redundancyCheck(length, input) };
  } else if (kind === 2) {
    const algorithm = macOf(kid, keys.kid);
    if (!algorithm) return clear;
    const length = algorithm === "aes" ? keys.ccLength : 8;
    security = { check: length, sum: (input) => checksum(algorithm, keys.kid, input, length) };
  }
  const algorithm = spi2 & 0x10 ? cipherOf(kic, keys.kic) : undefined;
  return algorithm ? { ...security, cipher: { algorithm, key: keys.kic } } : security;
}

/**
 * A response packet from RPL on, protected as SPI2 asks. The check also covers `02 71 00`, as on a single SMS.
 * TS 102 225 §5.2, TS 31.115 §4.3
 */
export function buildResponse(parts: ResponseParts): Uint8Array {
  const { cipher, check, sum } = responseSecurity(parts);
  const block = cipher ? blockSize(cipher.algorithm) : 1;
  const padding = (block - ((7 + check + parts.data.length) % block)) % block;
  const padded = concatBytes(parts.data, new Uint8Array(padding));
  const head = new Writer()
    .uint(11 + check + padded.length, 2)
    .u8(10 + check)
    .uint(parts.header.tar, 3)
    .finish();
  const front = new Writer().uint(parts.cntr, 5).u8(padding).u8(parts.status).finish();
  const mac = sum(concatBytes(Uint8Array.of(0x02, 0x71, 0x00), head, front, padded));
  const body = concatBytes(front, mac, padded);
  return concatBytes(head, cipher ? encipher(cipher.algorithm, cipher.key, body) : body);
}

/** A clear command packet with a CC (or nothing) and no counter: what a card sends by itself. TS 102 225 §5.1 */
export function buildNotice(
  parts: { readonly spi1: 0x00 | 0x02; readonly kic: number; readonly kid: number; readonly tar: number },
  keys: PacketKeys | undefined,
  data: Uint8Array,
): Uint8Array {
  const algorithm = parts.spi1 === 2 && keys ? macOf(parts.kid, keys.kid) : undefined;
  const check = algorithm && keys ? (algorithm === "aes" ? keys.ccLength : 8) : 0;
  const head = new Writer()
    .uint(14 + check + data.length, 2)
    .u8(13 + check)
    .u8(check ? parts.spi1 : 0)
    .u8(0)
    .u8(parts.kic)
    .u8(parts.kid)
    .uint(parts.tar, 3)
    .finish();
  const counter = new Uint8Array(6);
  const mac =
    algorithm && keys ? checksum(algorithm, keys.kid, concatBytes(head, counter, data), check) : new Uint8Array(0);
  return concatBytes(head, counter, mac, data);
}
