import { codecError } from "../../base/gateway-error.ts";
import { Reader } from "../kit/codec.ts";
import { parseSpi, type Spi, spiBytes } from "./spi.ts";

/** Octets from SPI to the end of PCNTR: what CHL counts besides RC/CC/DS. */
export const commandHeaderLength = 13;

/** Octets from CPL to PCNTR; the first {@link commandClearLength} of them never are ciphered. */
export const commandPrefixLength = 16;
/** Octets from CPL to TAR. */
export const commandClearLength = 10;

/** The part of a command packet that is clear on any packet. ETSI TS 102 225 §5.1, 3GPP TS 31.115 §4.2 */
export interface CommandPacket {
  /** CPL and CHL as written. */
  readonly cpl: number;
  readonly chl: number;
  readonly spi: Spi;
  readonly kic: number;
  readonly kid: number;
  /** Three octets. */
  readonly tar: Uint8Array;
  /** Octets of RC/CC/DS that CHL announces. */
  readonly checkLength: number;
  /** CPL to TAR as they stand: a view. */
  readonly clear: Uint8Array;
  /** CNTR to the end, ciphered or not: a view. */
  readonly secured: Uint8Array;
  /** Octets beyond CPL; 0 unless they were asked for. */
  readonly excess: number;
}

/**
 * Reads the structure of a command packet (from CPL on), deciphering nothing. With `allowExcess`, octets beyond CPL are
 * kept in `secured` and counted.
 * @throws codec.* with the offset in the packet plus `base`
 */
export function parseCommandPacket(
  packet: Uint8Array,
  options: { readonly base?: number; readonly allowExcess?: boolean } = {},
): CommandPacket {
  const base = options.base ?? 0;
  const from = new Reader(packet, base);
  const cpl = from.uint(2, "CPL");
  const excess = packet.length - 2 - cpl;
  if (excess < 0 || (excess > 0 && options.allowExcess !== true)) {
    throw codecError("codec.length", `CPL ${cpl}, ${packet.length - 2} octets present`, base, { field: "CPL", excess });
  }
  const chl = from.u8("CHL");
  if (chl < commandHeaderLength || chl > cpl - 1) {
    throw codecError("codec.length", `CHL ${chl} of ${cpl} octets`, base + 2, { field: "CHL" });
  }
  const spi = parseSpi(from.take(2, "SPI"), base + 3);
  const kic = from.u8("KIc");
  const kid = from.u8("KID");
  const tar = from.take(3, "TAR");
  return {
    cpl,
    chl,
    spi,
    kic,
    kid,
    tar,
    checkLength: chl - commandHeaderLength,
    clear: packet.subarray(0, commandClearLength),
    secured: from.rest(),
    excess,
  };
}

/** What builds the sixteen octets before RC/CC/DS. */
interface CommandHeader {
  readonly spi: Spi;
  readonly kic: number;
  readonly kid: number;
  readonly tar: Uint8Array;
  readonly cntr: number;
  readonly pcntr: number;
  readonly checkLength: number;
  /** Octets of secured data, padding included. */
  readonly dataLength: number;
}

/** Writes CPL to PCNTR at the start of `into`; returns CPL. @throws codec.length above 65535 octets */
export function writeCommandHeader(into: Uint8Array, header: CommandHeader): number {
  const cpl = 1 + commandHeaderLength + header.checkLength + header.dataLength;
  if (cpl > 0xffff) throw codecError("codec.length", `command packet of ${cpl} octets`, 0, { field: "CPL" });
  if (header.tar.length !== 3) throw codecError("codec.length", "TAR has three octets", 0, { field: "TAR" });
  into[0] = cpl >> 8;
  into[1] = cpl & 0xff;
  into[2] = commandHeaderLength + header.checkLength;
  into.set(spiBytes(header.spi), 3);
  into[5] = header.kic;
  into[6] = header.kid;
  into.set(header.tar, 7);
  writeCounter(into, 10, header.cntr);
  into[15] = header.pcntr;
  return cpl;
}

/** Writes a CNTR of five octets. @throws codec.value when it does not fit */
export function writeCounter(into: Uint8Array, at: number, cntr: number): void {
  if (!Number.isInteger(cntr) || cntr < 0 || cntr > 0xff_ff_ff_ff_ff) {
    throw codecError("codec.value", `CNTR ${cntr} does not fit five octets`, at, { field: "CNTR" });
  }
  into[at] = Math.floor(cntr / 0x1_00_00_00_00);
  into[at + 1] = (cntr >>> 24) & 0xff;
  into[at + 2] = (cntr >>> 16) & 0xff;
  into[at + 3] = (cntr >>> 8) & 0xff;
  into[at + 4] = cntr & 0xff;
}

/** Reads a CNTR of five octets. */
function readCounter(from: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 5; i++) value = value * 256 + (from[at + i] ?? 0);
  return value;
}

/** The part of a packet that ciphering hides, in clear. */
export interface SecuredPart {
  readonly cntr: number;
  readonly pcntr: number;
  /** RC/CC/DS. */
  readonly check: Uint8Array;
  /** Without padding. */
  readonly data: Uint8Array;
  /** The PCNTR octets after the data, whatever they are. */
  readonly padding: Uint8Array;
}

/** Reads CNTR, PCNTR, RC/CC/DS and data from the clear octets after TAR. @throws codec.length, codec.truncated */
export function parseCommandBody(clear: Uint8Array, checkLength: number, base = commandClearLength): SecuredPart {
  return parseSecuredPart(clear, 6, checkLength, base);
}

/**
 * Reads the part of a packet that ciphering hides: `headLength` octets that begin with CNTR and PCNTR, RC/CC/DS and data.
 * @throws codec.length, codec.truncated
 */
export function parseSecuredPart(
  clear: Uint8Array,
  headLength: number,
  checkLength: number,
  base: number,
): SecuredPart {
  const start = headLength + checkLength;
  if (clear.length < start) {
    throw codecError("codec.truncated", `${clear.length} octets after TAR, at least ${start} needed`, base);
  }
  const pcntr = clear[5] ?? 0;
  const end = clear.length - pcntr;
  if (end < start) {
    throw codecError("codec.length", `PCNTR ${pcntr}, ${clear.length - start} octets of data`, base + 5, {
      field: "PCNTR",
    });
  }
  return {
    cntr: readCounter(clear, 0),
    pcntr,
    check: clear.subarray(headLength, start),
    data: clear.subarray(start, end),
    padding: clear.subarray(end),
  };
}
