import type { Range } from "../../codec/secrets/login-secrets.ts";
import { secretRanges } from "../../codec/secrets/secret-data.ts";
import { hiddenLeaf, type Node } from "../tree.ts";
import { privateKeyKind } from "./private-key.ts";

/**
 * A tree over octets without the octets that look like the data of PUT KEY, PIN commands or STORE DATA with keys,
 * however they were decoded: a damaged or cut input may be decoded as another type, and its secrets must stay hidden.
 * `base` is the offset of the octets in the tree.
 */
export function maskSecrets(node: Node, octets: Uint8Array, base = 0): Node {
  const kind = privateKeyKind(octets);
  // Its own reading shows its kind only; any other may show parts of it under names that are harmless elsewhere.
  if (kind !== undefined) return node.label === "private key" ? node : { ...withoutOctets(node), note: kind };
  const ranges = secretRanges(octets);
  return ranges.length === 0 ? node : masked(node, merged(ranges, base));
}

/** Ranges in order that do not overlap, at their places in the tree. */
function merged(ranges: readonly Range[], base: number): Range[] {
  const found: Range[] = [];
  for (const [from, to] of ranges) {
    const last = found.at(-1);
    if (last !== undefined && from + base <= last[1]) found[found.length - 1] = [last[0], Math.max(last[1], to + base)];
    else found.push([from + base, to + base]);
  }
  return found;
}

function masked(node: Node, ranges: readonly Range[]): Node {
  if (node.children.length === 0) return overlaps(node, ranges) ? withoutOctets(node) : node;
  const children = node.children.map((child) => masked(child, ranges));
  const lost = node.children.filter((child, at) => children[at] !== child && child.value !== undefined);
  // The text of a hidden part must not appear in its parent.
  const told = lost.some((child) => child.value !== undefined && node.value?.includes(child.value) === true);
  const { value, ...rest } = node;
  return { ...rest, ...(value === undefined || told ? {} : { value }), children };
}

/** A C-MAC behind the data of a command is not a secret, and of a chunk only the size is shown. */
function isHarmless({ label, length }: Node): boolean {
  return label === "chunk" || (label === "MAC" && length <= 8);
}

function overlaps(node: Node, ranges: readonly Range[]): boolean {
  const { hex, value, offset, length } = node;
  if ((hex === undefined && value === undefined) || length === 0 || isHarmless(node)) return false;
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.[1] ?? 0) > offset) high = middle;
    else low = middle + 1;
  }
  const range = ranges[low];
  return range !== undefined && range[0] < offset + length;
}

function withoutOctets(node: Node): Node {
  const { label, offset, length, clause, note, error } = node;
  const hidden = hiddenLeaf(label, new Uint8Array(length), offset, { clause, note });
  return error === undefined ? hidden : { ...hidden, error };
}
