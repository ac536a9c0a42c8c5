import { concatBytes } from "../../../base/hex.ts";

/** Octets a channel received and the card has not fetched yet: a stream, or datagrams that are never joined. */
export interface ReceiveBuffer {
  readonly datagrams: boolean;
  readonly chunks: readonly Uint8Array[];
  readonly length: number;
}

export function emptyBuffer(datagrams: boolean): ReceiveBuffer {
  return { datagrams, chunks: [], length: 0 };
}

/** Appends octets. */
export function received(buffer: ReceiveBuffer, octets: Uint8Array): ReceiveBuffer {
  if (octets.length === 0) return buffer;
  return { ...buffer, chunks: [...buffer.chunks, octets], length: buffer.length + octets.length };
}

/** Takes up to `wanted` octets from the front; what is left of a datagram stays. */
export function takeFrom(
  buffer: ReceiveBuffer,
  wanted: number,
): { readonly octets: Uint8Array; readonly rest: ReceiveBuffer } {
  const taken: Uint8Array[] = [];
  const chunks = [...buffer.chunks];
  let missing = wanted;
  while (missing > 0) {
    const first = chunks.shift();
    if (first === undefined) break;
    taken.push(first.subarray(0, missing));
    if (first.length > missing) chunks.unshift(first.subarray(missing));
    missing -= Math.min(missing, first.length);
    if (buffer.datagrams) break;
  }
  const octets = concatBytes(...taken);
  return { octets, rest: { ...buffer, chunks, length: buffer.length - octets.length } };
}
