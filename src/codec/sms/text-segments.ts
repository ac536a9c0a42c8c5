import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { packSeptets } from "../kit/gsm7.ts";
import { gsm7OrNothing } from "./user-data.ts";
import { elementId, userDataHeaderBytes } from "./user-data-header.ts";

/** A text ready to be sent, in as many messages as it needs. */
interface TextSegments {
  /** TP-DCS: 00 the GSM alphabet, 08 UCS2. */
  readonly dcs: number;
  readonly userDataHeader: boolean;
  readonly segments: readonly TextSegment[];
}

/** TP-UD of one message; `length` is TP-UDL. */
interface TextSegment {
  readonly octets: Uint8Array;
  readonly length: number;
}

const headerOctets = 6;
/** Septets the header fills, the bits up to the next septet included. */
const headerSeptets = 7;
const oneMessage = { gsm7: 160, ucs2: 70 } as const;
const ofSeveral = { gsm7: oneMessage.gsm7 - headerSeptets, ucs2: (140 - headerOctets) / 2 } as const;
const escapeCode = 0x1b;

/**
 * Cuts a text into messages: in the GSM alphabet when it has all characters, otherwise in UCS2. Neither an escape and
 * its
 * character nor a surrogate pair is torn apart. 3GPP TS 23.040 §9.2.3.24.1
 * @throws codec.length above 255 messages
 */
export function textSegments(text: string, reference: number): TextSegments {
  const septets = gsm7OrNothing(text);
  if (septets !== undefined) {
    return assembled(
      0x00,
      cut(septets, "gsm7", (code) => code === escapeCode),
      reference,
      packed,
    );
  }
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return assembled(
    0x08,
    cut(units, "ucs2", (unit) => unit >= 0xd800 && unit < 0xdc00),
    reference,
    wide,
  );
}

/** `opens` marks a code that belongs to the one behind it. */
function cut(codes: readonly number[], alphabet: "gsm7" | "ucs2", opens: (code: number) => boolean): number[][] {
  if (codes.length <= oneMessage[alphabet]) return [[...codes]];
  const parts: number[][] = [];
  for (let at = 0; at < codes.length; ) {
    const limit = at + ofSeveral[alphabet];
    const end = limit < codes.length && opens(codes[limit - 1] ?? 0) ? limit - 1 : limit;
    parts.push(codes.slice(at, end));
    at = end;
  }
  return parts;
}

function assembled(
  dcs: number,
  parts: readonly number[][],
  reference: number,
  write: (header: Uint8Array, codes: readonly number[]) => TextSegment,
): TextSegments {
  const total = parts.length;
  if (total > 255) throw codecError("codec.length", `the text needs ${total} messages, at most 255`, 0);
  const headerOf = (sequence: number) =>
    userDataHeaderBytes([{ id: elementId.concat8, value: Uint8Array.of(reference & 0xff, total, sequence) }]);
  const segments = parts.map((codes, at) => write(total === 1 ? new Uint8Array(0) : headerOf(at + 1), codes));
  return { dcs, userDataHeader: total > 1, segments };
}

function packed(header: Uint8Array, septets: readonly number[]): TextSegment {
  const skipped = Math.ceil((header.length * 8) / 7);
  const octets = concatBytes(header, packSeptets(septets, skipped * 7 - header.length * 8));
  return { octets, length: skipped + septets.length };
}

function wide(header: Uint8Array, units: readonly number[]): TextSegment {
  const octets = concatBytes(header, Uint8Array.from(units.flatMap((unit) => [unit >> 8, unit & 0xff])));
  return { octets, length: octets.length };
}
