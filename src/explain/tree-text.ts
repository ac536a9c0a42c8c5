import type { Node } from "./tree.ts";

/** How a tree is written. */
export interface TreeStyle {
  /** Less important text: offsets, octets, clauses. */
  readonly dim: (text: string) => string;
  /** What is odd, or wrong. */
  readonly warn: (text: string) => string;
  /** Octets shown per line before the rest is cut; none cuts nothing. */
  readonly octets?: number;
}

/** No colors. */
export const plainStyle: TreeStyle = { dim: (text) => text, warn: (text) => text, octets: 32 };

/** Columns of the offset. */
const width = 4;

function shownHex(hex: string, octets: number | undefined): string {
  if (octets === undefined || hex.length <= octets * 2) return hex;
  return `${hex.slice(0, octets * 2)}… (${hex.length / 2})`;
}

/** A text of a part is omitted if the line above contains it. */
function newWords(node: Node, above: string | undefined): string | undefined {
  const repeated = node.children.length > 0 && node.value !== undefined && above?.includes(node.value) === true;
  return repeated ? undefined : node.value;
}

function lineOf(node: Node, above: string | undefined, depth: number, style: TreeStyle): string {
  const offset = style.dim(String(node.offset).padStart(width));
  const hex = node.hex === undefined ? "" : `  ${style.dim(shownHex(node.hex, style.octets))}`;
  const words = newWords(node, above);
  const value = words === undefined ? "" : `  ${words}`;
  const clause = node.clause === undefined ? "" : `  ${style.dim(`[${node.clause}]`)}`;
  return `${offset}  ${"  ".repeat(depth)}${node.label}${hex}${value}${clause}`;
}

/**
 * A tree as lines: offset, label, octets, what they say, clause; below a node, what is odd (`!`) or wrong (`✗`) about
 * it.
 */
export function* treeLines(node: Node, style: TreeStyle = plainStyle, depth = 0, above?: string): Generator<string> {
  yield lineOf(node, above, depth, style);
  if (node.note === undefined && node.error === undefined && node.children.length === 0) return;
  const pad = `${" ".repeat(width)}  ${"  ".repeat(depth + 1)}`;
  if (node.note !== undefined) yield `${pad}${style.warn(`! ${node.note}`)}`;
  if (node.error !== undefined) {
    const { code, message, offset } = node.error;
    yield `${pad}${style.warn(`✗ ${code} at ${offset}: ${message}`)}`;
  }
  for (const child of node.children) yield* treeLines(child, style, depth + 1, node.value ?? above);
}
