import { codecError } from "../../base/gateway-error.ts";
import { buildCommand, commandOf } from "../apdu/command-apdu.ts";
import { Reader } from "../kit/codec.ts";

/** Answer of INITIALIZE UPDATE, or of tag 84 of SCP03t. GP Amendment D §7.1.1.6 */
export interface InitializeUpdateAnswer {
  readonly diversification: Uint8Array;
  readonly kvn: number;
  /** 3 for SCP03. */
  readonly scp: number;
  /** Options of the protocol: `10` pseudo-random challenge, `20` R-MAC, `40` R-ENC. */
  readonly i: number;
  /** 8 octets, or 16 in the mode S16. */
  readonly cardChallenge: Uint8Array;
  readonly cardCryptogram: Uint8Array;
  /** Only with a pseudo-random challenge. */
  readonly sequence?: number;
}

/** Octets before the challenge: diversification data, key version, SCP and i. */
const headOctets = 13;

/**
 * Reads an answer whose challenge and cryptogram have `size` octets. GP Amendment D §7.1.1.6
 * @throws codec.length for another form
 */
export function readInitializeUpdate(data: Uint8Array, size: 8 | 16): InitializeUpdateAnswer {
  const short = headOctets + 2 * size;
  if (data.length !== short && data.length !== short + 3) {
    throw codecError("codec.length", `INITIALIZE UPDATE: ${data.length} octets, not ${short} or ${short + 3}`, 0, {
      field: "INITIALIZE UPDATE",
    });
  }
  const from = new Reader(data);
  return {
    diversification: from.take(10),
    kvn: from.u8(),
    scp: from.u8(),
    i: from.u8(),
    cardChallenge: from.take(size),
    cardCryptogram: from.take(size),
    ...(from.ended ? {} : { sequence: from.uint(3) }),
  };
}

/** INITIALIZE UPDATE with the keys of a version. GP Amendment D §7.1.1 */
export function initializeUpdateCommand(kvn: number, hostChallenge: Uint8Array): Uint8Array {
  return buildCommand(commandOf([0x80, 0x50, kvn, 0x00], hostChallenge, 256));
}
