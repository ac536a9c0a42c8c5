import { hexTag, readLength, readTag } from "../codec/kit/ber.ts";
import { Reader } from "../codec/kit/codec.ts";
import { type Branch, branchOf, hiddenLeaf, leaf, leafWithText, type Node, type Render } from "./tree.ts";

/** Facts about a BER tag. */
export interface TagEntry {
  readonly name: string;
  readonly render?: Render;
  /** Tags inside it. */
  readonly tags?: TagMap;
  /** Or what reads its value. */
  readonly read?: (branch: Branch) => string | undefined;
  readonly clause?: string;
  readonly note?: string;
  /** Its value is a secret such as a key or a PIN, and is not displayed. */
  readonly secret?: boolean;
  /** Octets its value has at most; a longer one is not what the tag states and is not shown among secrets. */
  readonly max?: number;
}

export type TagMap = ReadonlyMap<number, TagEntry>;

/** How TLVs are read. */
interface BerOptions {
  /** End-of-contents octets end them. */
  readonly indefinite?: boolean;
  readonly depth?: number;
  /** They may contain keys: values without an entry are not displayed. */
  readonly confidential?: boolean;
}

/** Maximum depth of decoded values, so that the cost is limited by the length of the input. */
const maxDepth = 12;

/** Reads TLVs up to the end (or to end-of-contents octets, when `indefinite`). */
export function berParts(branch: Branch, tags: TagMap, options: BerOptions = {}): void {
  while (!branch.from.ended) {
    if (options.indefinite && branch.from.peek() === 0 && branch.from.peek(1) === 0) {
      branch.field("end of contents", 2);
      return;
    }
    berPart(branch, tags, options);
  }
}

/** Reads one TLV. Returns its tag. */
export function berPart(branch: Branch, tags: TagMap, options: BerOptions = {}): number {
  const offset = branch.from.offset;
  const head = new Reader(branch.from.bytes.subarray(offset - branch.from.base), offset);
  const tag = readTag(head);
  const length = readLength(head);
  const entry = tags.get(tag);
  const label = entry === undefined ? hexTag(tag) : `${entry.name} (${hexTag(tag)})`;
  const headLength = head.offset - offset;
  const whole = branch.from.take(headLength + Math.min(length, head.remaining), label);
  branch.add(tlvNode(label, whole, offset, { headLength, length, tag, entry, options }));
  return tag;
}

interface Found {
  readonly headLength: number;
  readonly length: number;
  readonly tag: number;
  readonly entry: TagEntry | undefined;
  readonly options: BerOptions;
}

/** A TLV as one node: its parts, or its value octets. */
function tlvNode(label: string, whole: Uint8Array, offset: number, found: Found): Node {
  const octets = whole.subarray(found.headLength);
  const node = { ...valueNode(label, octets, offset + found.headLength, found), offset, length: whole.length };
  if (octets.length === found.length) return node;
  const message = `${found.length} octets announced, ${octets.length} present`;
  return { ...node, error: { code: "codec.truncated", message, offset: offset + found.headLength } };
}

function valueNode(label: string, octets: Uint8Array, offset: number, found: Found): Node {
  const { entry, options, length } = found;
  const extra = { clause: entry?.clause, note: entry?.note, confidential: options.confidential };
  if (octets.length === 0) return leaf(label, octets, offset, undefined, extra);
  if (isHidden(octets, found)) return hiddenLeaf(label, octets, offset, extra);
  const read = readerFor(octets, found);
  if (read !== undefined) return branchOf(label, octets, offset, read, extra);
  return leafWithText(label, octets, offset, octets.length < length ? undefined : entry?.render, extra);
}

function isHidden(octets: Uint8Array, { tag, entry, options }: Found): boolean {
  if (entry?.secret === true) return true;
  if (options.confidential !== true) return false;
  return entry === undefined ? !isConstructed(tag) || !isBer(octets) : octets.length > (entry.max ?? octets.length);
}

function isConstructed(tag: number): boolean {
  const first = tag > 0xffff ? tag >> 16 : tag > 0xff ? tag >> 8 : tag;
  return (first & 0x20) !== 0;
}

function readerFor(octets: Uint8Array, { tag, entry, options }: Found) {
  if (entry?.read !== undefined) return entry.read;
  const depth = options.depth ?? 0;
  if (depth >= maxDepth) return undefined;
  const tags = entry === undefined && isConstructed(tag) && isBer(octets) ? noTags : entry?.tags;
  if (tags === undefined) return undefined;
  return (branch: Branch): string | undefined => {
    berParts(branch, tags, { depth: depth + 1, ...(options.confidential ? { confidential: true } : {}) });
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
