import { asGatewayError, codecError, type GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { hexTag, readLength, readTag } from "../../codec/kit/ber.ts";
import { Reader } from "../../codec/kit/codec.ts";

/** One thing found in octets. `offset` counts from the start of the input the user gave. */
export interface Node {
  readonly label: string;
  /** What it says, in words. */
  readonly value?: string;
  /** The octets of a leaf (of a TLV, its value) as they stand; absent where parts follow, or a secret is hidden. */
  readonly hex?: string;
  readonly offset: number;
  /** Octets. */
  readonly length: number;
  /** Where it is defined: `TS 102 225 §5.1`. */
  readonly clause?: string;
  /** What is odd about it. */
  readonly note?: string;
  /** Why the octets from here on could not be read. */
  readonly error?: { readonly code: string; readonly message: string; readonly offset: number };
  readonly children: readonly Node[];
}

/** What a node may say beside its label and place. */
export interface Extra {
  readonly clause?: string | undefined;
  readonly note?: string | undefined;
}

/** Words for octets; undefined when there is nothing to add to them. */
export type Say = (octets: Uint8Array, offset: number) => string | undefined;

/** The octets of a node as text: none where there are parts. */
function leaf(label: string, octets: Uint8Array, offset: number, value?: string, extra: Extra = {}): Node {
  return {
    label,
    ...(value === undefined ? {} : { value }),
    ...(octets.length === 0 ? {} : { hex: toHex(octets) }),
    offset,
    length: octets.length,
    ...extraOf(extra),
    children: [],
  };
}

function extraOf(extra: Extra): Pick<Node, "clause" | "note"> {
  return {
    ...(extra.clause === undefined ? {} : { clause: extra.clause }),
    ...(extra.note === undefined ? {} : { note: extra.note }),
  };
}

/** Parts of one node; no frame of a card or network has a hundredth of them. */
const maxParts = 20_000;

/** Characters after which the line of a whole takes no more words of its parts. */
const maxLine = 1000;

/** Parts are found from left to right; whatever goes wrong ends in a node that says so. */
export class Branch {
  readonly from: Reader;
  readonly #children: Node[] = [];
  /** What the whole says; may be set before its last part was read. */
  value: string | undefined;
  note: string | undefined;
  #words = "";
  #wordsLeftOut = 0;

  constructor(octets: Uint8Array, base: number) {
    this.from = new Reader(octets, base);
  }

  get children(): readonly Node[] {
    return this.#children;
  }

  /** What the parts said so far, in one line; thousands of parts do not make it longer than a line may be. */
  get words(): string {
    return this.#wordsLeftOut === 0 ? this.#words : `${this.#words}; … ${this.#wordsLeftOut} more`;
  }

  /** Adds what a part says to the line of the whole. */
  tell(words: string | undefined): void {
    if (words === undefined) return;
    if (this.#words.length >= maxLine) this.#wordsLeftOut++;
    else this.#words = this.#words === "" ? words : `${this.#words}; ${words}`;
  }

  /** The next `count` octets as a leaf. `say` may throw: the leaf then carries the error. */
  field(label: string, count: number, say?: Say, extra?: Extra): Uint8Array {
    const offset = this.from.offset;
    const octets = this.from.take(count, label);
    this.add(said(label, octets, offset, say, extra));
    return octets;
  }

  /** The next octet as a leaf. */
  octet(label: string, say?: (octet: number) => string | undefined, extra?: Extra): number {
    const octets = this.field(label, 1, say === undefined ? undefined : ([one = 0]) => say(one), extra);
    return octets[0] ?? 0;
  }

  /** A big-endian number of `count` octets as a leaf that shows it in decimal. */
  uint(label: string, count: number, say: (value: number) => string = String, extra?: Extra): number {
    const octets = this.field(label, count, (bytes) => say(numberOf(bytes)), extra);
    return numberOf(octets);
  }

  /** The next `count` octets, never shown. */
  secret(label: string, count: number, extra?: Extra): void {
    const offset = this.from.offset;
    this.from.take(count, label);
    this.add({
      label,
      value: `[hidden, ${count} octets]`,
      offset,
      length: count,
      ...extraOf(extra ?? {}),
      children: [],
    });
  }

  /** The next `count` octets as a part of its own. */
  part(count: number, build: (octets: Uint8Array, offset: number) => Node): Node {
    const offset = this.from.offset;
    return this.add(build(this.from.take(count), offset));
  }

  /** @throws codec.length when there are more parts than anybody reads */
  add(node: Node): Node {
    if (this.#children.length >= maxParts) {
      throw codecError("codec.length", `more than ${maxParts} parts; what follows is not opened`, node.offset);
    }
    this.#children.push(node);
    return node;
  }

  /** What is left, as one leaf; nothing when nothing is left. */
  rest(label: string, say?: Say, extra?: Extra): void {
    if (!this.from.ended) this.field(label, this.from.remaining, say, extra);
  }

  /** A node for what stopped the reading, covering the octets that were not read. */
  fail(error: GatewayError): void {
    const offset = this.from.offset;
    this.#children.push(failed(error, this.from.rest(), offset));
  }
}

/** A leaf whose words come from `say`, or from the error it threw. */
function said(label: string, octets: Uint8Array, offset: number, say?: Say, extra?: Extra): Node {
  try {
    return leaf(label, octets, offset, say?.(octets, offset), extra);
  } catch (thrown) {
    const error = faultOf(thrown);
    return { ...leaf(label, octets, offset, undefined, extra), error: errorOf(error, offset) };
  }
}

function errorOf(error: GatewayError, fallback: number): NonNullable<Node["error"]> {
  const { offset } = error.detail;
  return { code: error.code, message: error.message, offset: typeof offset === "number" ? offset : fallback };
}

function failed(error: GatewayError, octets: Uint8Array, offset: number): Node {
  return { ...leaf("not readable", octets, offset), error: errorOf(error, offset) };
}

/** Errors of ours are facts about the octets; anything else is a defect and passes. */
function faultOf(thrown: unknown): GatewayError {
  if (!isGatewayError(thrown)) throw thrown;
  return asGatewayError(thrown);
}

/**
 * A node of parts. `build` reads them; what it returns is the node's value. What it throws becomes a node over the
 * unread octets, and octets it leaves over are shown as such.
 */
export function grow(
  label: string,
  octets: Uint8Array,
  base: number,
  build: (branch: Branch) => string | undefined,
  extra: Extra = {},
): Node {
  const branch = new Branch(octets, base);
  try {
    branch.value = build(branch) ?? branch.value;
    branch.rest("octets left over", undefined, { note: "nothing says what they are" });
  } catch (thrown) {
    branch.fail(faultOf(thrown));
  }
  return {
    label,
    ...spokenValue(branch),
    offset: base,
    length: octets.length,
    ...extraOf({ clause: extra.clause, note: branch.note ?? extra.note }),
    children: branch.children,
  };
}

function spokenValue({ value, words }: Branch): Pick<Node, "value"> {
  if (value !== undefined) return { value };
  return words === "" ? {} : { value: words };
}

/** A node of one leaf. */
export function single(label: string, octets: Uint8Array, base: number, say?: Say, extra?: Extra): Node {
  return said(label, octets, base, say, extra);
}

/** What is known of a BER tag. */
export interface TagEntry {
  readonly name: string;
  readonly say?: Say;
  /** Tags inside it. */
  readonly tags?: TagMap;
  /** Or what reads its value. */
  readonly read?: (branch: Branch) => string | undefined;
  readonly clause?: string;
  readonly note?: string;
}

export type TagMap = ReadonlyMap<number, TagEntry>;

/** Constructed values are opened this deep, so that no input costs more than its length. */
const deepest = 12;

/** Reads TLVs up to the end (or to end-of-contents octets, when `indefinite`). */
export function berParts(branch: Branch, tags: TagMap, options: { indefinite?: boolean; depth?: number } = {}): void {
  while (!branch.from.ended) {
    if (options.indefinite && branch.from.peek() === 0 && branch.from.peek(1) === 0) {
      branch.field("end of contents", 2);
      return;
    }
    berPart(branch, tags, options.depth ?? 0);
  }
}

/** Reads one TLV. Returns its tag. */
export function berPart(branch: Branch, tags: TagMap, depth = 0): number {
  const offset = branch.from.offset;
  const head = new Reader(branch.from.bytes.subarray(offset - branch.from.base), offset);
  const tag = readTag(head);
  const length = readLength(head);
  const entry = tags.get(tag);
  const label = entry === undefined ? hexTag(tag) : `${entry.name} (${hexTag(tag)})`;
  const headLength = head.offset - offset;
  const whole = branch.from.take(headLength + Math.min(length, head.remaining), label);
  branch.add(tlvNode(label, whole, offset, { headLength, length, tag, entry, depth }));
  return tag;
}

interface Found {
  readonly headLength: number;
  readonly length: number;
  readonly tag: number;
  readonly entry: TagEntry | undefined;
  readonly depth: number;
}

/** A TLV as one node: its parts, or its value octets. */
function tlvNode(label: string, whole: Uint8Array, offset: number, found: Found): Node {
  const { headLength, length, entry } = found;
  const octets = whole.subarray(headLength);
  const valueOffset = offset + headLength;
  const extra = { clause: entry?.clause, note: entry?.note };
  const read = readerFor(octets, found);
  if (octets.length < length) {
    const message = `${length} octets announced, ${octets.length} present`;
    const error = { code: "codec.truncated", message, offset: valueOffset };
    return { ...leaf(label, octets, offset, undefined, extra), length: whole.length, error };
  }
  if (read === undefined || octets.length === 0) {
    return {
      ...said(label, octets, valueOffset, octets.length === 0 ? undefined : entry?.say, extra),
      offset,
      length: whole.length,
    };
  }
  return { ...grow(label, octets, valueOffset, read, extra), offset, length: whole.length };
}

function readerFor(octets: Uint8Array, { tag, entry, depth }: Found) {
  if (entry?.read !== undefined) return entry.read;
  if (depth >= deepest) return undefined;
  const first = tag > 0xffff ? tag >> 16 : tag > 0xff ? tag >> 8 : tag;
  const tags = entry === undefined && (first & 0x20) !== 0 && isBer(octets) ? noTags : entry?.tags;
  if (tags === undefined) return undefined;
  return (branch: Branch): string | undefined => {
    berParts(branch, tags, { depth: depth + 1 });
    return undefined;
  };
}

const noTags: TagMap = new Map();

/** Whether octets are a run of TLVs with nothing left over. */
export function isBer(octets: Uint8Array): boolean {
  const from = new Reader(octets);
  try {
    while (!from.ended) {
      if (readTag(from) === 0) return false;
      from.take(readLength(from));
    }
  } catch {
    return false;
  }
  return octets.length > 0;
}

/** A big-endian number; beyond six octets its value is not exact. */
export function numberOf(octets: Uint8Array): number {
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

/** An octet as two digits. */
export function hex2(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, "0");
}

/** A status word or file identifier as four digits. */
export function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, "0");
}

/** Tags of a tag list (5C), which has no lengths, as text. */
export function hexTagList(octets: Uint8Array): string {
  const tags: string[] = [];
  for (let at = 0; at < octets.length; at++) {
    const first = octets[at] ?? 0;
    if ((first & 0x1f) === 0x1f && at + 1 < octets.length) tags.push(hex4(first * 256 + (octets[++at] ?? 0)));
    else tags.push(hex2(first));
  }
  return tags.join(" ");
}
