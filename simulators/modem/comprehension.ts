/** A COMPREHENSION-TLV object: the tag without its flag. ETSI TS 101 220 §7.1.1 */
interface Simple {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** Takes a run of objects apart; stops where it no longer makes sense and indicates it. */
function readSimple(bytes: Uint8Array): { readonly objects: readonly Simple[]; readonly whole: boolean } {
  const objects: Simple[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = (bytes[at] ?? 0) & 0x7f;
    const first = bytes[at + 1] ?? 0x80;
    const lengthOctets = first === 0x81 ? 1 : first === 0x82 ? 2 : 0;
    if (first > 0x82 || first === 0x80) return { objects, whole: false };
    let length = lengthOctets === 0 ? first : 0;
    for (let i = 0; i < lengthOctets; i++) length = (length << 8) | (bytes[at + 2 + i] ?? 0);
    const start = at + 2 + lengthOctets;
    if (start + length > bytes.length) return { objects, whole: false };
    objects.push({ tag, value: bytes.slice(start, start + length) });
    at = start + length;
  }
  return { objects, whole: true };
}

/** Octets of one object; `tag` is written as given, with or without the comprehension flag. */
export function simple(tag: number, ...value: readonly number[]): number[] {
  return [tag, ...berLength(value.length), ...value];
}

/** A BER template (D0, D1, D6 …) around what it holds. */
export function template(tag: number, ...content: readonly number[]): Uint8Array {
  return Uint8Array.of(tag, ...berLength(content.length), ...content);
}

function berLength(length: number): number[] {
  return length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

/** A proactive command as it was fetched. ETSI TS 102 223 §6.6 */
export interface Proactive {
  readonly number: number;
  readonly type: number;
  readonly qualifier: number;
  /** Destination of the device identities, 0x82 unless it is a channel, a display … */
  readonly destination: number;
  readonly objects: readonly Simple[];
}

/** Reads what FETCH returned; undefined when it is not a proactive command at all. */
export function readProactive(bytes: Uint8Array): Proactive | undefined {
  if (bytes[0] !== 0xd0) return undefined;
  const header = bytes[1] === 0x81 ? 3 : 2;
  const { objects } = readSimple(bytes.subarray(header));
  const details = first(objects, 0x01);
  const devices = first(objects, 0x02);
  if (details === undefined || details.length < 3) return undefined;
  const [number = 0, type = 0, qualifier = 0] = details;
  return { number, type, qualifier, destination: devices?.[1] ?? 0x82, objects };
}

/** Value of the first object with this tag. */
export function first(objects: readonly Simple[], tag: number): Uint8Array | undefined {
  return objects.find((object) => object.tag === tag)?.value;
}
