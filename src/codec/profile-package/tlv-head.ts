import { hexTag } from "../kit/ber.ts";
import { unsignedOf } from "../kit/unsigned.ts";

/** Something in the encoding that DER does not allow; the octets are read as far as they can be. */
export interface EncodingFault {
  readonly kind: "cut" | "tag" | "length" | "indefinite" | "long-length";
  /** Offset in the package. */
  readonly offset: number;
  readonly message: string;
}

/** Tag and length of a TLV, and where its parts stand. */
export interface TlvHead {
  readonly tag: number;
  /** Where the value starts and ends, and where the next TLV starts: behind end-of-contents octets, if there are any. */
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly next: number;
  readonly indefinite: boolean;
  /** The length stands in more octets than it needs. */
  readonly longLength: boolean;
}

/** Indefinite lengths inside each other that are read. */
const maxIndefinite = 16;

/** Reads tag and length of the TLV at `at` in octets that end at `end`: one or two tag octets, lengths up to three octets. */
export function tlvHead(octets: Uint8Array, at: number, end: number, depth = 0): TlvHead | EncodingFault {
  const first = octets[at] ?? 0;
  const twoOctets = (first & 0x1f) === 0x1f;
  const second = twoOctets ? (octets[at + 1] ?? 0) : 0;
  const lengthAt = at + (twoOctets ? 2 : 1);
  if (lengthAt >= end) return fault("cut", at, "the tag or the length is cut");
  if (second >= 0x80) return fault("tag", at, "the tag has more than two octets");
  const tag = twoOctets ? first * 256 + second : first;
  const form = octets[lengthAt] ?? 0;
  if (form === 0x80) return indefiniteHead(octets, { tag, start: lengthAt + 1, end, depth });
  const lengthOctets = form < 0x80 ? 0 : form - 0x80;
  if (lengthOctets > 3) return fault("length", lengthAt, `the length has the form ${hexTag(form)}`);
  const valueStart = lengthAt + 1 + lengthOctets;
  if (valueStart > end) return fault("cut", lengthAt, "the length is cut");
  const length = lengthOctets === 0 ? form : (unsignedOf(octets.subarray(lengthAt + 1, valueStart)) ?? 0);
  const valueEnd = valueStart + length;
  if (valueEnd > end) {
    return fault("cut", valueStart, `the value of tag ${hexTag(tag)} has ${end - valueStart} of ${length} octets`);
  }
  const longLength = lengthOctets > (length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3);
  return { tag, valueStart, valueEnd, next: valueEnd, indefinite: false, longLength };
}

interface Indefinite {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

/** TLVs up to end-of-contents octets. ITU-T X.690 §8.1.3.6 */
function indefiniteHead(octets: Uint8Array, { tag, start, end, depth }: Indefinite): TlvHead | EncodingFault {
  if (depth >= maxIndefinite) return fault("length", start - 1, "too many indefinite lengths inside each other");
  let at = start;
  while (at + 1 < end) {
    if (octets[at] === 0 && octets[at + 1] === 0) {
      return { tag, valueStart: start, valueEnd: at, next: at + 2, indefinite: true, longLength: false };
    }
    const inner = tlvHead(octets, at, end, depth + 1);
    if (isFault(inner)) return inner;
    at = inner.next;
  }
  return fault("cut", start, `the value of tag ${hexTag(tag)} of indefinite length has no end`);
}

function fault(kind: EncodingFault["kind"], offset: number, message: string): EncodingFault {
  return { kind, offset, message };
}

/** Whether a TLV could not be read. */
export function isFault(head: TlvHead | EncodingFault): head is EncodingFault {
  return "kind" in head;
}
