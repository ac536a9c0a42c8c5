import { concatBytes } from "../../../src/base/hex.ts";

/** What an authentication algorithm makes of a challenge. TS 33.102 §6.3 */
export interface Vector {
  readonly macA: Uint8Array;
  readonly macS: Uint8Array;
  readonly res: Uint8Array;
  readonly ck: Uint8Array;
  readonly ik: Uint8Array;
  readonly ak: Uint8Array;
  readonly akStar: Uint8Array;
}

export const xor = (a: Uint8Array, b: Uint8Array) => a.map((octet, i) => octet ^ (b[i] ?? 0));

/** Rotated to the left by octets. */
export function rotated(block: Uint8Array, octets: number): Uint8Array {
  return concatBytes(block.subarray(octets), block.subarray(0, octets));
}
