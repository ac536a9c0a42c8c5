/** A data grouping of STORE DATA. GP Card Specification §11.11.3 */
export interface Dgi {
  /** Two octets as a number: 3A03, 7F49 … */
  readonly id: number;
  readonly value: Uint8Array;
  /** Identifier, length and value as received. */
  readonly raw: Uint8Array;
}

/** Length octets from `at`: how long the value is and where it starts. */
type LengthRule = (bytes: Uint8Array, at: number) => { length: number; start: number };

const globalPlatform: LengthRule = (bytes, at) =>
  bytes[at] === 0xff
    ? { length: (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0), start: at + 3 }
    : { length: bytes[at] ?? 0, start: at + 1 };

const ber: LengthRule = (bytes, at) => {
  if (bytes[at] === 0x81) return { length: bytes[at + 1] ?? 0, start: at + 2 };
  if (bytes[at] === 0x82) return { length: (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0), start: at + 3 };
  return { length: bytes[at] ?? 0, start: at + 1 };
};

function split(bytes: Uint8Array, rule: LengthRule): Dgi[] | undefined {
  const found: Dgi[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return undefined;
    const { length, start } = rule(bytes, at + 2);
    if (start + length > bytes.length) return undefined;
    const id = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    found.push({ id, value: bytes.subarray(start, start + length), raw: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}

/**
 * Data groupings of one STORE DATA block: lengths are read as GP codes them, and as BER when that does not fill the
 * block, because both kinds of sender exist. Undefined when the block ends inside a grouping.
 */
export function readDgis(bytes: Uint8Array): readonly Dgi[] | undefined {
  return split(bytes, globalPlatform) ?? split(bytes, ber);
}
