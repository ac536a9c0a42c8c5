/** A part of octets: from one offset up to another. */
export type Range = readonly [from: number, to: number];

const textString = 0x0d;
/** Bearer, buffer, access point, transport and address: what stands beside a login in OPEN CHANNEL. ETSI TS 102 223 §6.6.27 */
const besideLogin = new Set([0x35, 0x39, 0x3c, 0x3e, 0x47]);
/** Templates that hold nothing but the objects of a connection. SGP.02 §4.1.3.4, GP Amendment B §3.8, §3.11 */
const connectionTemplates = new Set([0x84, 0xa1, 0xa2, 0xa4, 0xfa]);
/** Primitive tags that hold templates all the same: stored sets and triggers. GP Amendment B §3.7, §3.8 */
const holders = new Set([0x81, 0x83, 0x85]);
const maxDepth = 8;

/**
 * Where user and password of a bearer stand in connectivity parameters, session parameters or a session trigger, as text strings among the
 * objects of a connection. What is cut off at the end is read as far as it goes. ETSI TS 102 223 §8.70
 */
export function loginRanges(octets: Uint8Array, from = 0, to = octets.length): Range[] {
  const found: Range[] = [];
  walk(octets, from, to, 0, found);
  return found;
}

function walk(octets: Uint8Array, from: number, to: number, depth: number, found: Range[]): void {
  for (let at = from; at < to; ) {
    const one = tlvAt(octets, at, to);
    if (one === undefined) return;
    const { tag, start, end } = one;
    const logins = loginObjects(octets, start, end, connectionTemplates.has(tag));
    if (logins.length > 0) found.push(...logins);
    else if (depth < maxDepth && ((tag & 0x20) !== 0 || holders.has(tag))) walk(octets, start, end, depth + 1, found);
    at = end;
  }
}

/** Values of the text strings among objects of a connection; none when they are something else. */
export function loginObjects(octets: Uint8Array, from: number, to: number, isConnection = false): Range[] {
  const texts: Range[] = [];
  let connection = isConnection;
  for (let at = from; at < to; ) {
    const one = tlvAt(octets, at, to);
    if (one === undefined) break;
    const tag = one.tag & 0x7f;
    if (besideLogin.has(tag)) connection = true;
    if (tag === textString && one.end > one.start) texts.push([one.start, one.end]);
    at = one.end;
  }
  return connection ? texts : [];
}

/** A TLV with a tag of one octet (of two or three, the first counts) and what is there of its value. */
function tlvAt(octets: Uint8Array, at: number, to: number): { tag: number; start: number; end: number } | undefined {
  const tag = octets[at] ?? 0;
  let next = at + 1;
  if (tag === 0x7f || (tag & 0x3f) === 0x3f)
    for (next += 1; ((octets[next - 1] ?? 0) & 0x80) !== 0 && next < to; ) next += 1;
  const first = octets[next];
  if (tag === 0 || first === undefined || next >= to) return undefined;
  const more = first > 0x80 && first <= 0x83 ? first - 0x80 : 0;
  if (first >= 0x80 && more === 0) return undefined;
  let length = more === 0 ? first : 0;
  for (let octet = 1; octet <= more; octet++) length = length * 256 + (octets[next + octet] ?? 0);
  const start = Math.min(next + 1 + more, to);
  return { tag, start, end: Math.min(start + length, to) };
}
