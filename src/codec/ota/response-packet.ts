import { codecError } from "../../base/gateway-error.ts";
import { Reader } from "../kit/codec.ts";
import { parseSecuredPart, type SecuredPart } from "./command-packet.ts";

/** Octets that RHL counts besides RC/CC/DS: TAR, CNTR, PCNTR, status. */
export const responseHeaderLength = 10;
/** Octets from RPL to TAR. */
export const responseClearLength = 6;

/** The clear part of a response packet (PoR). There is no SPI in it. ETSI TS 102 225 §5.2, 3GPP TS 31.115 §4.3 */
export interface ResponsePacket {
  readonly rpl: number;
  readonly rhl: number;
  /** Three octets. */
  readonly tar: Uint8Array;
  /** Octets of RC/CC/DS that RHL announces. */
  readonly checkLength: number;
  /** RPL to TAR as they stand: a view. */
  readonly clear: Uint8Array;
  /** CNTR to the end of RPL, ciphered or not: a view. */
  readonly secured: Uint8Array;
  /** A status word that followed the packet (ENVELOPE responses carry it along); cut at RPL. */
  readonly trailingSw?: number | undefined;
}

/** A status word of an ENVELOPE behind a response packet: `9000` or `91xx`. */
function trailingStatus(octets: Uint8Array): number | undefined {
  const [sw1 = 0, sw2 = 0] = octets;
  return octets.length === 2 && ((sw1 === 0x90 && sw2 === 0x00) || sw1 === 0x91) ? sw1 * 256 + sw2 : undefined;
}

/**
 * Reads the structure of a response packet (from RPL on), deciphering nothing.
 * @throws codec.* with the offset in the packet plus `base`
 */
export function parseResponsePacket(packet: Uint8Array, base = 0): ResponsePacket {
  const from = new Reader(packet, base);
  const rpl = from.uint(2, "RPL");
  const trailingSw = trailingStatus(packet.subarray(2 + rpl));
  if (rpl !== packet.length - 2 && trailingSw === undefined) {
    throw codecError("codec.length", `RPL ${rpl}, ${packet.length - 2} octets present`, base, { field: "RPL" });
  }
  const body = from.sub(rpl, "response packet");
  const rhl = body.u8("RHL");
  if (rhl < responseHeaderLength || rhl > rpl - 1) {
    throw codecError("codec.length", `RHL ${rhl} of ${rpl} octets`, base + 2, { field: "RHL" });
  }
  return {
    rpl,
    rhl,
    tar: body.take(3, "TAR"),
    checkLength: rhl - responseHeaderLength,
    clear: packet.subarray(0, responseClearLength),
    secured: body.rest(),
    trailingSw,
  };
}

/** The hidden part of a response packet. */
export interface ResponseBody extends SecuredPart {
  readonly status: number;
}

/** Reads CNTR, PCNTR, status, RC/CC/DS and data from the clear octets after TAR. @throws codec.length, codec.truncated */
export function parseResponseBody(clear: Uint8Array, checkLength: number, base = responseClearLength): ResponseBody {
  const part = parseSecuredPart(clear, 7, checkLength, base);
  return { ...part, status: clear[6] ?? 0 };
}
