import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Writer } from "../../../src/codec/kit/codec.ts";

/** One status of an EUICCResponse. */
export interface ElementStatus {
  readonly status: number;
  /** Number in the element's PEHeader. */
  readonly identification?: number | undefined;
  readonly additional?: number | undefined;
  readonly offset?: number | undefined;
}

/** A DER INTEGER's contents of a number that is not negative. */
function integer(value: number): Uint8Array {
  const octets = value < 0x80 ? 1 : value < 0x8000 ? 2 : value < 0x800000 ? 3 : 4;
  return new Writer().uint(value, octets).finish();
}

/** EUICCResponse `30 { A0 { 30 { 80 status, 81 identification, 82 additional, 83 offset } .. }, 81 aborted }`. TCA eUICC Profile Package §8.11 */
export function euiccResponse(statuses: readonly ElementStatus[], aborted: boolean): Uint8Array {
  const entries = statuses.map(({ status, identification, additional, offset }) => {
    const numbers = [status, identification, additional, offset];
    return tlvBytes(0x30, ...numbers.flatMap((n, i) => (n === undefined ? [] : [tlvBytes(0x80 + i, integer(n))])));
  });
  return tlvBytes(0x30, tlvBytes(0xa0, ...entries), ...(aborted ? [Uint8Array.of(0x81, 0x00)] : []));
}
