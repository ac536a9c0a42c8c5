import { concatBytes } from "../../base/hex.ts";
import { tlvBytes, writeLength } from "../kit/ber.ts";
import { Writer } from "../kit/codec.ts";
import type { PackageNode, ProfilePackage } from "./element.ts";

/** What stands in place of nodes: whole TLVs one behind the other; empty to remove the node. */
type Replacements = ReadonlyMap<PackageNode, Uint8Array>;

/**
 * The octets of a package with nodes replaced. All other octets stay as they are, except for the lengths of what encloses
 * a replaced node.
 */
export function rewritten({ octets, elements }: ProfilePackage, replacements: Replacements): Uint8Array {
  return withChildren(octets, 0, elements, replacements) ?? octets;
}

/** A TLV with another value under the same tag. A length in more octets than it needs, or an indefinite one, stays so. */
export function withValue(node: PackageNode, value: Uint8Array): Uint8Array {
  const head = node.octets.subarray(0, node.valueOffset - node.offset);
  if (node.indefinite) return concatBytes(head, value, new Uint8Array(2));
  const tag = head.subarray(0, node.tag > 0xff ? 2 : 1);
  const lengthOctets = head.length - tag.length;
  const isLong = lengthOctets > shortestLength(node.value.length);
  if (!isLong || lengthOctets < shortestLength(value.length)) return tlvBytes(node.tag, value);
  const to = new Writer(head.length + value.length).bytes(tag);
  return to
    .u8(0x80 + lengthOctets - 1)
    .uint(value.length, lengthOctets - 1)
    .bytes(value)
    .finish();
}

/** Octets of a length in its shortest form. */
function shortestLength(length: number): number {
  const to = new Writer(4);
  writeLength(to, length);
  return to.length;
}

/** The octets around replaced children; undefined where none of them is replaced. */
function withChildren(
  octets: Uint8Array,
  base: number,
  children: readonly PackageNode[],
  replacements: Replacements,
): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const child of children) {
    const changed = changedNode(child, replacements);
    if (changed === undefined) continue;
    parts.push(octets.subarray(at, child.offset - base), changed);
    at = child.offset - base + child.octets.length;
  }
  return parts.length === 0 ? undefined : concatBytes(...parts, octets.subarray(at));
}

function changedNode(node: PackageNode, replacements: Replacements): Uint8Array | undefined {
  const whole = replacements.get(node);
  if (whole !== undefined) return whole;
  const value = withChildren(node.value, node.valueOffset, node.children, replacements);
  return value === undefined ? undefined : withValue(node, value);
}
