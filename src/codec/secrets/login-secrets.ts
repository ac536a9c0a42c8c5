/** A part of octets: from one offset up to another. */
export type Range = readonly [from: number, to: number];

const textString = 0x0d;
/** Bearer, buffer, access point, transport and address: what stands beside a login in OPEN CHANNEL. ETSI TS 102 223 §6.6.27 */
const besideLogin = new Set([0x35, 0x39, 0x3c, 0x3e, 0x47]);
/** Templates that hold nothing but the objects of a connection. SGP.02 §4.1.3.4, GP Amendment B §3.8, §3.11 */
const connectionTemplates = new Set([0x84, 0xa1, 0xa2, 0xa4, 0xfa]);
/** Primitive tags that nevertheless contain templates: stored sets and triggers. GP Amendment B §3.7, §3.8 */
const holders = new Set([0x81, 0x83, 0x85]);
const maxDepth = 8;

/**
 * Where user and password of a bearer stand in connectivity parameters, session parameters or a session trigger, as text strings among the
 * objects of a connection. What is cut off at the end is read as far as it goes. ETSI TS 102 223 §8.70
 */
export function loginRanges(octets: Uint8Array, from = 0, to = octets.length): Range[] {
  return hasTextString(octets) ? new LoginScan(from, to).read(octets, from) : [];
}

/** False where no object can be a text string: most octets need no further look. */
function hasTextString(octets: Uint8Array): boolean {
  return octets.includes(textString) || octets.includes(textString | 0x80);
}

/** An object that is being read: where it ends and what was seen among the objects in it. */
interface OpenObject {
  readonly end: number;
  readonly depth: number;
  /** Objects in it are looked into, too. */
  readonly template: boolean;
  connection: boolean;
  /** Text strings in it, for as long as it is unknown to be a connection. */
  texts: Range[];
}

/** Finds what {@link loginRanges} finds in octets that arrive bit by bit, and reads each of them once. */
export class LoginScan {
  readonly #open: OpenObject[];
  #at: number;
  #found: Range[] = [];

  /** @param to where the octets end in the end; they may not be there yet */
  constructor(from: number, to: number) {
    this.#at = from;
    this.#open = [{ end: to, depth: 0, template: true, connection: false, texts: [] }];
  }

  /**
   * Reads on as far as there are octets.
   * @param octets all so far
   * @param since ranges that end before it are of no use any longer
   */
  read(octets: Uint8Array, since: number): Range[] {
    for (let open = this.#innermost(); open !== undefined && this.#at < octets.length; open = this.#innermost()) {
      const one = tlvAt(octets, this.#at, open.end);
      if (one !== undefined && one.start > octets.length) break;
      if (one === undefined) this.#at = open.end;
      else this.#take(open, one);
    }
    const found = this.#found.filter(([, to]) => to > since).sort(([a], [b]) => a - b);
    const goesOn = ([, to]: Range) => to > octets.length;
    this.#found = found.filter(goesOn);
    for (const open of this.#open) open.texts = open.texts.filter(goesOn);
    return found;
  }

  #innermost(): OpenObject | undefined {
    while ((this.#open.at(-1)?.end ?? Number.POSITIVE_INFINITY) <= this.#at) this.#open.pop();
    return this.#open.at(-1);
  }

  #take(open: OpenObject, { tag, start, end }: Tlv): void {
    const low = tag & 0x7f;
    if (open.depth > 0) {
      if (low === textString && end > start) open.texts.push([start, end]);
      if (besideLogin.has(low)) open.connection = true;
      if (open.connection) this.#found.push(...open.texts.splice(0));
    }
    this.#at = open.template ? start : end;
    if (!open.template) return;
    const template = open.depth < maxDepth && ((tag & 0x20) !== 0 || holders.has(tag));
    const connection = connectionTemplates.has(tag);
    this.#open.push({ end, depth: open.depth + 1, template, connection, texts: [] });
  }
}

/** Values of the text strings among objects of a connection; none when they are something else. */
export function loginObjects(octets: Uint8Array, from: number, to: number, isConnection = false): Range[] {
  if (!hasTextString(octets)) return [];
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

interface Tlv {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** A TLV with a tag of one octet (of two or three, the first counts); it may start and end behind the octets that are there. */
function tlvAt(octets: Uint8Array, at: number, to: number): Tlv | undefined {
  const tag = octets[at] ?? 0;
  let next = at + 1;
  if (tag === 0x7f || (tag & 0x3f) === 0x3f)
    for (next += 1; ((octets[next - 1] ?? 0) & 0x80) !== 0 && next < to; ) next += 1;
  if (tag === 0 || next >= to) return undefined;
  const first = octets[next];
  // Its length is not there yet.
  if (first === undefined) return { tag, start: octets.length + 1, end: to };
  const more = first > 0x80 && first <= 0x83 ? first - 0x80 : 0;
  if (first >= 0x80 && more === 0) return undefined;
  let length = more === 0 ? first : 0;
  for (let octet = 1; octet <= more; octet++) length = length * 256 + (octets[next + octet] ?? 0);
  const start = Math.min(next + 1 + more, to);
  return { tag, start, end: Math.min(start + length, to) };
}
