import { concatBytes } from "../../base/hex.ts";
import { readUserDataHeader, securityHeaderOf } from "../../codec/sms/user-data-header.ts";
import { type Explained, type ExplainOptions, explain } from "./explain.ts";
import type { Node } from "./tree.ts";
import { segmentOf } from "./user-data.ts";

/** The TP-UDs with a header that were found in octets. */
function userDatas(node: Node, octets: Uint8Array): Uint8Array[] {
  if (node.label.endsWith("TP-UD") && node.children.length > 0) {
    return [octets.subarray(node.offset, node.offset + node.length)];
  }
  return node.children.flatMap((child) => userDatas(child, octets));
}

/**
 * Packets that several of these items carry in parts, put together, in the order in which they become complete. Offsets
 * in them count from the start of the packet. 3GPP TS 23.040 §9.2.3.24.1
 */
export function assembled(
  items: readonly { readonly octets: Uint8Array; readonly node: Node }[],
  options: ExplainOptions,
): Explained[] {
  const open = new Map<string, Map<number, Uint8Array>>();
  const whole: Explained[] = [];
  for (const userData of items.flatMap(({ node, octets }) => userDatas(node, octets))) {
    const segment = segmentOf(userData);
    if (segment === undefined || segment.total < 2) continue;
    const key = `${segment.referenceBits}/${segment.reference}/${segment.total}`;
    const parts = open.get(key) ?? new Map<number, Uint8Array>();
    open.set(key, parts.set(segment.sequence, userData));
    if (parts.size < segment.total) continue;
    open.delete(key);
    const ordered = [...parts].sort(([a], [b]) => a - b).map(([, part]) => readUserDataHeader(part));
    const packet = concatBytes(...ordered.map(({ body }) => body));
    const security = ordered.map(({ elements }) => securityHeaderOf(elements)).find((one) => one !== undefined);
    if (security === undefined) continue;
    const as = security === "command" ? "command-packet" : "response-packet";
    const found = explain(packet, { ...options, as });
    whole.push({
      ...found,
      node: { ...found.node, note: join(found.node.note, `put together from ${segment.total} short messages`) },
    });
  }
  return whole;
}

function join(note: string | undefined, more: string): string {
  return note === undefined ? more : `${more}; ${note}`;
}
