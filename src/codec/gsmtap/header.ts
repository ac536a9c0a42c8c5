import { Writer } from "../kit/codec.ts";

/** Payload types otagate writes, and the sub types of SIM. */
export const gsmtapType = { sim: 0x04, lteNas: 0x12 } as const;

/** Sub types of the SIM type: a whole command and answer, or an answer to reset. */
export const simSubType = { apdu: 0x00, atr: 0x01 } as const;

/** The bit of the ARFCN field that marks what a mobile sent. */
const uplinkBit = 0x4000;

/** What a GSMTAP header states about its payload. */
export interface Gsmtap {
  readonly type: number;
  readonly subType: number;
  /** From the mobile to the network. */
  readonly uplink?: boolean;
  readonly payload: Uint8Array;
}

/**
 * A GSMTAP frame: the 16-octet header of version 2, and the payload. Fields of the radio interface are zero.
 * Osmocom GSMTAP, gsmtap.h
 */
export function gsmtapBytes({ type, subType, uplink = false, payload }: Gsmtap): Uint8Array {
  const to = new Writer(16 + payload.length);
  // Version, header length in 32-bit words, type, time slot.
  to.u8(2).u8(4).u8(type).u8(0);
  // ARFCN and flags, signal level, signal to noise ratio.
  to.uint(uplink ? uplinkBit : 0, 2)
    .u8(0)
    .u8(0);
  // Frame number, sub type, antenna, sub slot, reserved.
  to.uint(0, 4).u8(subType).u8(0).u8(0).u8(0);
  return to.bytes(payload).finish();
}
