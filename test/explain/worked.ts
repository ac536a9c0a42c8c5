import { fromHex } from "../../src/base/hex.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import type { Explained } from "../../src/explain/explain.ts";
import type { Node } from "../../src/explain/tree.ts";
import { treeLines } from "../../src/explain/tree-text.ts";

/** Throw-away keys of the worked examples. */
export const kicHex = "000102030405060708090A0B0C0D0E0F";
export const kidHex = "101112131415161718191A1B1C1D1E1F";

export function exampleKeys(): PacketKeys {
  return new PacketKeys({ kic: fromHex(kicHex), kid: fromHex(kidHex) });
}

/** EnableProfile of ISD-P 000013 in an ENVELOPE (SMS-PP DOWNLOAD). */
export const enableEnvelope =
  "80C200005CD15A8202838106069144770010F18B4C44048110327FF6620101000000003D0270000038151639121200000" +
  "15AEEFB6849994111BF40ECA01FDC6F2A8F76F359F82CEEA8D8D160FF0C098F64B2900714E4AC7F8D956CF22FDE903D98";

/** All nodes, parents first. */
export function* nodes(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) yield* nodes(child);
}

/** What a tree says, as one text. */
export function textOf(explained: Explained): string {
  return [...treeLines(explained.node)].join("\n");
}

/** The first node whose label starts so. */
export function part(explained: Explained, label: string): Node {
  for (const node of nodes(explained.node)) if (node.label.startsWith(label)) return node;
  throw new Error(`no ${label} in\n${textOf(explained)}`);
}
