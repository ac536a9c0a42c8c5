import { GatewayError } from "../base/gateway-error.ts";
import { toHex } from "../base/hex.ts";
import {
  type CommandPacket,
  commandClearLength,
  commandHeaderLength,
  commandPrefixLength,
  parseCommandBody,
  parseCommandPacket,
  type SecuredPart,
  writeCommandHeader,
} from "../codec/ota/command-packet.ts";
import { checkLengths } from "../codec/ota/key-identifier.ts";
import type { Protection, Spi } from "../codec/ota/spi.ts";
import { equalSecret } from "./mac.ts";
import { asFormatError, paddingFor } from "./packet-format.ts";
import type { PacketKeys } from "./packet-keys.ts";

/** The input of a command packet. */
interface CommandInput {
  readonly spi: Spi;
  readonly kic: number;
  readonly kid: number;
  /** Three octets. */
  readonly tar: Uint8Array;
  readonly cntr: number;
  /** The script, or other data for the application. */
  readonly data: Uint8Array;
  /** Octets of CC where the algorithm leaves a choice (AES: 8 or 4); 8 when absent. */
  readonly ccLength?: number | undefined;
}

/** A secured command packet, from CPL on, with the intermediate octets for comparison. */
interface WrappedCommand {
  readonly packet: Uint8Array;
  readonly cpl: number;
  readonly chl: number;
  readonly pcntr: number;
  /** RC/CC; empty if there is none. */
  readonly rcCc: Uint8Array;
  /** The octets over which the RC/CC was computed. */
  readonly macInput?: Uint8Array | undefined;
  /** CNTR to the end before ciphering. */
  readonly cipherInput?: Uint8Array | undefined;
}

/** Number of octets of RC/CC. @throws crypto.algorithm if SPI and KID do not determine it */
export function chosenCheckLength(integrity: Protection, kid: number, ccLength: number | undefined): number {
  const lengths = checkLengths(integrity, kid);
  if (integrity === "cc" && ccLength !== undefined && lengths.includes(ccLength)) return ccLength;
  const [first] = lengths;
  const settled = integrity === "cc" ? ccLength === undefined : lengths.length === 1;
  if (first === undefined || !settled) {
    throw new GatewayError(
      "crypto.algorithm",
      `no ${integrity.toUpperCase()} for KID ${kid.toString(16)} and CC length`,
      {
        detail: { integrity, kid, ccLength },
      },
    );
  }
  return first;
}

/**
 * Builds a command packet: padding, header, RC/CC, ciphering, in this order. ETSI TS 102 225 §5.1, 3GPP TS 31.115 §4.2
 * @throws crypto.key, crypto.algorithm, codec.length (more than 65535 octets), codec.value (CNTR)
 */
export function wrapCommand(input: CommandInput, keys: PacketKeys): WrappedCommand {
  const { command } = input.spi;
  const n = chosenCheckLength(command.integrity, input.kid, input.ccLength);
  const cipher = command.ciphered ? keys.cipher(input.kic) : undefined;
  const pcntr = cipher === undefined ? 0 : paddingFor(6 + n + input.data.length, cipher.blockSize);
  const dataLength = input.data.length + pcntr;
  const packet = new Uint8Array(commandPrefixLength + n + dataLength);
  const { spi, kic, kid, tar, cntr } = input;
  const cpl = writeCommandHeader(packet, { spi, kic, kid, tar, cntr, pcntr, checkLength: n, dataLength });
  packet.set(input.data, commandPrefixLength + n);
  let macInput: Uint8Array | undefined;
  if (command.integrity !== "none") {
    macInput = macInputOf(packet, n);
    packet.set(keys.check(command.integrity, input.kid, n)(macInput).subarray(0, n), commandPrefixLength);
  }
  const rcCc = packet.slice(commandPrefixLength, commandPrefixLength + n);
  let cipherInput: Uint8Array | undefined;
  if (cipher !== undefined) {
    cipherInput = packet.slice(commandClearLength);
    packet.set(cipher.encrypt(cipherInput), commandClearLength);
  }
  return { packet, cpl, chl: commandHeaderLength + n, pcntr, rcCc, macInput, cipherInput };
}

/** CPL to PCNTR and the data, without the RC/CC of `n` octets between them. */
function macInputOf(packet: Uint8Array, n: number): Uint8Array {
  const input = new Uint8Array(packet.length - n);
  input.set(packet.subarray(0, commandPrefixLength));
  input.set(packet.subarray(commandPrefixLength + n), commandPrefixLength);
  return input;
}

/** Known deviations of senders in the field. */
type CommandOddity =
  /** CPL, PCNTR and CC leave out the last 8 octets of cipher padding. */
  | "cpl-short"
  /** CPL was raised by 8 after the CC was computed. */
  | "cpl-raised";

/** A command packet that was opened. */
export interface OpenedCommand extends SecuredPart {
  readonly packet: CommandPacket;
  /** Its verified protection; `none` proves nothing, `rc` detects accidental errors only. */
  readonly integrity: Protection;
  readonly oddities: readonly CommandOddity[];
  /** Cipher padding after the octets that CPL (or the CC) counts; not part of any other member. */
  readonly uncounted: Uint8Array;
}

/** How to open a command packet. */
interface OpenCommandOptions {
  /** Required length of the CC, octets. */
  readonly ccLength?: number | undefined;
  /** Also accept the deviations of {@link CommandOddity}, if the CC verifies. */
  readonly lenient?: boolean;
  /** Offset of CPL in the input the user sees, for errors. */
  readonly base?: number;
}

/**
 * Checks, deciphers and verifies a command packet (from CPL on). Counter, security level and TAR are checked by the
 * caller.
 * @throws packet.format, packet.cc, crypto.key, crypto.algorithm
 */
export function openCommand(packet: Uint8Array, keys: PacketKeys, options: OpenCommandOptions = {}): OpenedCommand {
  const base = options.base ?? 0;
  const allowExcess = options.lenient ?? false;
  const parsed = asFormatError(() => parseCommandPacket(packet, { base, allowExcess }));
  const { command } = parsed.spi;
  if (parsed.excess !== 0 && !(parsed.excess === 8 && command.ciphered && command.integrity !== "none")) {
    throw formatError(`CPL ${parsed.cpl}, ${packet.length - 2} octets present`, base, { field: "CPL" });
  }
  checkCommandLength(parsed, options.ccLength, base);
  const clear = command.ciphered ? decipher(parsed, keys, base) : parsed.secured;
  const short = parsed.excess === 8;
  const straight = attempt(parsed, clear, parsed.excess, parsed.cpl, short ? ["cpl-short"] : [], keys, base);
  if (straight !== undefined) return straight;
  if (options.lenient && command.ciphered && parsed.excess === 0 && clear.length > 8) {
    const raised = attempt(parsed, clear, 8, parsed.cpl - 8, ["cpl-raised"], keys, base);
    if (raised !== undefined) return raised;
  }
  throw new GatewayError("packet.cc", "the command packet's RC/CC is wrong", {
    detail: { offset: base + commandPrefixLength, tar: toHex(parsed.tar), kic: parsed.kic, kid: parsed.kid },
  });
}

function formatError(message: string, offset: number, detail: Readonly<Record<string, unknown>> = {}): GatewayError {
  return new GatewayError("packet.format", message, { detail: { offset, ...detail } });
}

function checkCommandLength(parsed: CommandPacket, ccLength: number | undefined, base: number): void {
  const { integrity } = parsed.spi.command;
  const lengths = checkLengths(integrity, parsed.kid);
  if (lengths.length === 0) {
    throw new GatewayError("crypto.algorithm", `${integrity.toUpperCase()} cannot be verified with this KID`, {
      detail: { offset: base + 6, kid: parsed.kid },
    });
  }
  const insisted = integrity === "cc" && ccLength !== undefined ? lengths.filter((n) => n === ccLength) : lengths;
  if (!insisted.includes(parsed.checkLength)) {
    throw formatError(`CHL ${parsed.chl} announces ${parsed.checkLength} octets of RC/CC`, base + 2, { field: "CHL" });
  }
}

function decipher(parsed: CommandPacket, keys: PacketKeys, base: number): Uint8Array {
  const cipher = keys.cipher(parsed.kic);
  if (parsed.secured.length % cipher.blockSize !== 0) {
    throw formatError(`${parsed.secured.length} ciphered octets are not a whole number of blocks`, base + 10);
  }
  return cipher.decrypt(parsed.secured);
}

/** The opened packet if its RC/CC verifies under this CPL, which leaves octets out; undefined otherwise. */
function attempt(
  parsed: CommandPacket,
  whole: Uint8Array,
  leftOut: number,
  cpl: number,
  oddities: readonly CommandOddity[],
  keys: PacketKeys,
  base: number,
): OpenedCommand | undefined {
  const { integrity } = parsed.spi.command;
  const n = parsed.checkLength;
  const clear = whole.subarray(0, whole.length - leftOut);
  const body = asFormatError(() => parseCommandBody(clear, n, base + commandClearLength));
  if (integrity !== "none") {
    const input = new Uint8Array(commandClearLength + clear.length - n);
    input.set(parsed.clear);
    input[0] = cpl >> 8;
    input[1] = cpl & 0xff;
    input.set(clear.subarray(0, 6), commandClearLength);
    input.set(clear.subarray(6 + n), commandPrefixLength);
    const expected = keys.check(integrity, parsed.kid, n)(input).subarray(0, n);
    if (!equalSecret(expected, body.check)) return undefined;
  }
  const { cntr, pcntr, check, data, padding } = body;
  const uncounted = whole.subarray(clear.length);
  return { cntr, pcntr, check, data, padding, uncounted, packet: parsed, integrity, oddities };
}
