import type { GatewayError } from "../../base/gateway-error.ts";
import { codecError } from "../../base/gateway-error.ts";
import { headerOctets } from "./pdu.ts";

/** Longest PDU taken: a message_payload of 64 KiB and everything around it. */
export const maxPduOctets = 70_000;

interface Part {
  readonly chunk: Uint8Array;
  readonly before: Part | undefined;
}

/** What a stream has brought of a PDU that is not whole yet: a value, to be handed to the next {@link frame}. */
export interface Framing {
  readonly octets: number;
  /** Octets needed before something can be decided: 4 for the length, then the PDU's length. */
  readonly need: number;
  readonly parts: Part | undefined;
}

export const emptyFraming: Framing = { octets: 0, need: 4, parts: undefined };

/** Whole PDUs, what is left over, and why the stream cannot be followed any further. */
interface Framed {
  readonly pdus: readonly Uint8Array[];
  readonly rest: Framing;
  /** command_length below 16 or above the limit: the stream is lost, never resynchronised. */
  readonly error?: GatewayError;
}

function gather(parts: Part | undefined, last: Uint8Array, octets: number): Uint8Array {
  const whole = new Uint8Array(octets);
  let end = octets - last.length;
  whole.set(last, end);
  for (let part = parts; part !== undefined; part = part.before) {
    end -= part.chunk.length;
    whole.set(part.chunk, end);
  }
  return whole;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x1000000 + (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  );
}

/**
 * Cuts a chunk of the stream into PDUs. Pure: the same framing and chunk give the same answer. PDUs that lie whole in
 * the chunk are views of it; never holds more than one PDU of `limit` octets. SMPP 3.4 §5.1.1
 */
export function frame(before: Framing, chunk: Uint8Array, limit = maxPduOctets): Framed {
  const octets = before.octets + chunk.length;
  if (octets < before.need) {
    return { pdus: [], rest: { octets, need: before.need, parts: { chunk, before: before.parts } } };
  }
  const bytes = before.parts === undefined ? chunk : gather(before.parts, chunk, octets);
  const pdus: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const length = lengthAt(bytes, at);
    if (length < headerOctets || length > limit) {
      const error = codecError("codec.length", `command_length ${length} is outside 16 to ${limit}`, at, {
        field: "command_length",
        length,
      });
      return { pdus, rest: emptyFraming, error };
    }
    if (bytes.length - at < length) return { pdus, rest: leftOver(bytes, at, length) };
    pdus.push(at === 0 && bytes.length === length ? bytes : bytes.subarray(at, at + length));
    at += length;
  }
  return { pdus, rest: at === bytes.length ? emptyFraming : leftOver(bytes, at, 4) };
}

function leftOver(bytes: Uint8Array, at: number, need: number): Framing {
  const chunk = at === 0 ? bytes : bytes.slice(at);
  return { octets: chunk.length, need, parts: { chunk, before: undefined } };
}
