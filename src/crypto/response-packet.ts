import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { concatBytes, equalBytes, toHex } from "../base/hex.ts";
import { writeCounter } from "../codec/ota/command-packet.ts";
import { checkLengths } from "../codec/ota/key-identifier.ts";
import { porStatusName } from "../codec/ota/por-status.ts";
import {
  parseResponseBody,
  parseResponsePacket,
  type ResponseBody,
  type ResponsePacket,
  responseClearLength,
  responseHeaderLength,
} from "../codec/ota/response-packet.ts";
import type { Protection, Spi } from "../codec/ota/spi.ts";
import { chosenCheckLength } from "./command-packet.ts";
import { equalSecret } from "./mac.ts";
import { asFormatError, paddingFor } from "./packet-format.ts";
import type { PacketKeys } from "./packet-keys.ts";

/** UDH of a response in one message; part of the RC/CC input, also for concatenated responses. 3GPP TS 31.115 §4.3 */
const responseHeader = Uint8Array.of(0x02, 0x71, 0x00);

/** Octets before RC/CC: RPL to status. */
const prefixLength = 13;

/** The input of a response packet: the command's SPI, KIc, KID, TAR and CNTR, and the answer. */
interface ResponseInput {
  readonly spi: Spi;
  readonly kic: number;
  readonly kid: number;
  readonly tar: Uint8Array;
  readonly cntr: number;
  readonly status: number;
  readonly data: Uint8Array;
  readonly ccLength?: number | undefined;
}

/** A response packet, from RPL on. */
interface WrappedResponse {
  readonly packet: Uint8Array;
  readonly rpl: number;
  readonly rhl: number;
  readonly pcntr: number;
  readonly rcCc: Uint8Array;
}

/**
 * Builds a response packet as a card does. ETSI TS 102 225 §5.2, 3GPP TS 31.115 §4.3
 * @throws crypto.key, crypto.algorithm, codec.length (more than 65535 octets), codec.value (CNTR)
 */
export function wrapResponse(input: ResponseInput, keys: PacketKeys): WrappedResponse {
  const { response } = input.spi;
  const n = chosenCheckLength(response.porIntegrity, input.kid, input.ccLength);
  const cipher = response.porCiphered ? keys.cipher(input.kic) : undefined;
  const pcntr = cipher === undefined ? 0 : paddingFor(7 + n + input.data.length, cipher.blockSize);
  const packet = new Uint8Array(prefixLength + n + input.data.length + pcntr);
  const rpl = packet.length - 2;
  if (rpl > 0xffff) throw new GatewayError("codec.length", `response packet of ${rpl} octets`);
  packet[0] = rpl >> 8;
  packet[1] = rpl & 0xff;
  packet[2] = responseHeaderLength + n;
  packet.set(input.tar, 3);
  writeCounter(packet, responseClearLength, input.cntr);
  packet[11] = pcntr;
  packet[12] = input.status;
  packet.set(input.data, prefixLength + n);
  if (response.porIntegrity !== "none") {
    const macInput = concatBytes(responseHeader, packet.subarray(0, prefixLength), packet.subarray(prefixLength + n));
    packet.set(keys.check(response.porIntegrity, input.kid, n)(macInput).subarray(0, n), prefixLength);
  }
  const rcCc = packet.slice(prefixLength, prefixLength + n);
  if (cipher !== undefined) packet.set(cipher.encrypt(packet.subarray(responseClearLength)), responseClearLength);
  return { packet, rpl, rhl: responseHeaderLength + n, pcntr, rcCc };
}

/** The sender's record of the command that a response answers. */
interface PendingCommand {
  readonly spi: Spi;
  readonly kic: number;
  readonly kid: number;
  /** TAR and CNTR of the command; absent ones are not compared. */
  readonly tar?: Uint8Array | undefined;
  readonly cntr?: number | undefined;
  /** Required length of the CC, octets. */
  readonly ccLength?: number | undefined;
}

/**
 * How the input of the RC/CC deviates from the standard: the actual header, or none, in place of `02 71 00`; or without
 * the padding.
 */
type CheckVariant = "standard" | "literal-udh" | "without-udh" | "without-padding";

/** Deviations other than those of the RC/CC. */
type ResponseOddity =
  /** PCNTR is not 0 although nothing is ciphered and there is no such padding. */
  "pcntr-in-clear";

/** A response packet that was opened. */
export interface OpenedResponse extends ResponseBody {
  readonly packet: ResponsePacket;
  readonly tar: Uint8Array;
  readonly rpl: number;
  readonly rhl: number;
  readonly integrity: Protection;
  readonly ccVariant: CheckVariant;
  readonly oddities: readonly ResponseOddity[];
}

/** How to open a response packet. */
interface OpenResponseOptions {
  /** UDH of the first segment unchanged, where it differs from `02 71 00`. */
  readonly udh?: Uint8Array | undefined;
  /** Also accept the {@link CheckVariant}s and {@link ResponseOddity}s of known applets. */
  readonly lenient?: boolean;
  /** Offset of RPL in the input the user sees, for errors. */
  readonly base?: number;
}

/**
 * Checks, deciphers and verifies a response packet (from RPL on) and that it answers `pending`.
 * @throws packet.format, packet.cc (with `detail.ccVariant` when it verifies without the UDH), packet.tar-mismatch,
 * packet.cntr-mismatch, packet.unauthenticated-status (with `detail.status`), crypto.key, crypto.algorithm
 */
export function openResponse(
  packet: Uint8Array,
  pending: PendingCommand,
  keys: PacketKeys,
  options: OpenResponseOptions = {},
): OpenedResponse {
  const base = options.base ?? 0;
  const parsed = asFormatError(() => parseResponsePacket(packet, base));
  const { porIntegrity, porCiphered } = pending.spi.response;
  const lengths = insistedLengths(pending);
  if (parsed.checkLength === 0 && !lengths.includes(0)) throw unauthenticated(parsed, pending, keys, base);
  if (!lengths.includes(parsed.checkLength)) {
    throw formatError(`RHL ${parsed.rhl} announces ${parsed.checkLength} octets of RC/CC`, base + 2, { field: "RHL" });
  }
  const clear = porCiphered ? decipher(parsed, pending, keys, base) : parsed.secured;
  const unpadded = options.lenient === true && !porCiphered && claimsPadding(clear, parsed.checkLength);
  const counted = unpadded ? withoutPcntr(clear) : clear;
  const body = asFormatError(() => parseResponseBody(counted, parsed.checkLength, base + responseClearLength));
  const ccVariant = porIntegrity === "none" ? "standard" : verify(parsed, clear, pending, keys, options);
  const { tar, rpl, rhl } = parsed;
  const { cntr, status, check, data, padding } = body;
  matchPending(tar, cntr, pending, base);
  return {
    status,
    tar,
    cntr,
    pcntr: clear[5] ?? 0,
    check,
    data,
    padding,
    rpl,
    rhl,
    packet: parsed,
    integrity: porIntegrity,
    ccVariant,
    oddities: unpadded ? ["pcntr-in-clear"] : [],
  };
}

/** Whether PCNTR counts more octets than there are, or octets that are not padding. */
function claimsPadding(clear: Uint8Array, checkLength: number): boolean {
  const pcntr = clear[5] ?? 0;
  const data = clear.subarray(7 + checkLength);
  return pcntr > data.length || data.subarray(data.length - pcntr).some((octet) => octet !== 0);
}

function withoutPcntr(clear: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(clear);
  copy[5] = 0;
  return copy;
}

function insistedLengths(pending: PendingCommand): readonly number[] {
  const { porIntegrity } = pending.spi.response;
  const lengths = checkLengths(porIntegrity, pending.kid);
  if (lengths.length === 0) {
    throw new GatewayError("crypto.algorithm", `${porIntegrity.toUpperCase()} cannot be verified with this KID`, {
      detail: { kid: pending.kid },
    });
  }
  const { ccLength } = pending;
  return porIntegrity === "cc" && ccLength !== undefined ? lengths.filter((n) => n === ccLength) : lengths;
}

function formatError(message: string, offset: number, detail: Readonly<Record<string, unknown>> = {}): GatewayError {
  return new GatewayError("packet.format", message, { detail: { offset, ...detail } });
}

/** A response with less security than the SPI requested: its status may be displayed, but not trusted. */
function unauthenticated(
  parsed: ResponsePacket,
  pending: PendingCommand,
  keys: PacketKeys,
  base: number,
): GatewayError {
  const body = unprovenBody(parsed, pending, keys, base);
  const { status, cntr } = body;
  return new GatewayError("packet.unauthenticated-status", `status '${porStatusName(status)}' without RC/CC`, {
    detail: { offset: base + 2, status, statusName: porStatusName(status), tar: toHex(parsed.tar), cntr },
  });
}

/** Such responses are in clear; one that is ciphered nevertheless is recognized by its counter. */
function unprovenBody(parsed: ResponsePacket, pending: PendingCommand, keys: PacketKeys, base: number): ResponseBody {
  if (pending.spi.response.porCiphered && pending.cntr !== undefined) {
    const hidden = orNothing(() => parseResponseBody(keys.cipher(pending.kic).decrypt(parsed.secured), 0));
    if (hidden?.cntr === pending.cntr) return hidden;
  }
  return asFormatError(() => parseResponseBody(parsed.secured, 0, base + responseClearLength));
}

/** The result; undefined if the octets or the keys do not permit it. */
function orNothing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return undefined;
  }
}

function decipher(parsed: ResponsePacket, pending: PendingCommand, keys: PacketKeys, base: number): Uint8Array {
  const cipher = keys.cipher(pending.kic);
  if (parsed.secured.length % cipher.blockSize === 0) return cipher.decrypt(parsed.secured);
  if (parsed.checkLength === 0 && parsed.secured.length === 7) {
    throw unauthenticated(parsed, { ...pending, cntr: undefined }, keys, base);
  }
  throw formatError(`${parsed.secured.length} ciphered octets are not a whole number of blocks`, base + 6);
}

function verify(
  parsed: ResponsePacket,
  clear: Uint8Array,
  pending: PendingCommand,
  keys: PacketKeys,
  options: OpenResponseOptions,
): CheckVariant {
  const { porIntegrity } = pending.spi.response;
  if (porIntegrity === "none") return "standard";
  const n = parsed.checkLength;
  const check = keys.check(porIntegrity, pending.kid, n);
  const given = clear.subarray(7, 7 + n);
  const holds = (udh: Uint8Array, end = clear.length) => {
    const input = concatBytes(udh, parsed.clear, clear.subarray(0, 7), clear.subarray(7 + n, end));
    return equalSecret(check(input).subarray(0, n), given);
  };
  if (holds(responseHeader)) return "standard";
  const { udh, lenient, base = 0 } = options;
  if (udh !== undefined && !equalBytes(udh, responseHeader) && holds(udh)) return "literal-udh";
  const bare = holds(new Uint8Array(0));
  if (bare && lenient === true) return "without-udh";
  const unpadded = clear.length - (clear[5] ?? 0);
  if (lenient === true && unpadded >= 7 + n && holds(responseHeader, unpadded)) return "without-padding";
  if (parsed.trailingSw !== undefined && !bare) {
    throw formatError(`octets follow the ${parsed.rpl} octets of RPL`, base, { field: "RPL" });
  }
  const how = bare ? "; without the user data header it would be right" : "";
  throw new GatewayError("packet.cc", `the response packet's RC/CC is wrong${how}`, {
    detail: {
      offset: base + prefixLength,
      tar: toHex(parsed.tar),
      ...(bare ? { ccVariant: "without-udh" satisfies CheckVariant } : {}),
    },
  });
}

function matchPending(tar: Uint8Array, cntr: number, pending: PendingCommand, base: number): void {
  if (pending.tar !== undefined && !equalBytes(tar, pending.tar)) {
    throw new GatewayError("packet.tar-mismatch", `TAR ${toHex(tar)} instead of ${toHex(pending.tar)}`, {
      detail: { offset: base + 3, tar: toHex(tar), expected: toHex(pending.tar) },
    });
  }
  if (pending.cntr !== undefined && cntr !== pending.cntr) {
    throw new GatewayError("packet.cntr-mismatch", `CNTR ${cntr} instead of ${pending.cntr}`, {
      detail: { offset: base + responseClearLength, cntr, expected: pending.cntr },
    });
  }
}
