import { concatBytes } from "../../base/hex.ts";
import { scriptKindOf } from "../../codec/gp/admin-http.ts";
import type { Context, ExplainType } from "../context.ts";
import { maskSecrets } from "../secrets/mask.ts";
import { type Branch, type Node, unreadLeaf } from "../tree.ts";

/** Headers of a message by lower-case name. */
export type Headers = ReadonlyMap<string, string>;

const latin1 = new TextDecoder("latin1");

/**
 * The body of a message: where it ends, and what it holds. Chunks are put together. Returns what the body states. RFC
 * 9112 §6, §7.1
 */
export function httpBody(
  branch: Branch,
  headers: Headers,
  status: number | undefined,
  context: Context,
): string | undefined {
  const { from } = branch;
  if (status === 204 || status === 304 || (status !== undefined && status < 200)) return undefined;
  if (/\bchunked\b/i.test(headers.get("transfer-encoding") ?? "")) return chunked(branch, headers, context);
  const given = headers.get("content-length");
  const length = given === undefined ? (status === undefined ? 0 : from.remaining) : lengthOf(given);
  if (length === undefined) {
    branch.note = `Content-Length '${given}' is not a number`;
    return body(branch, from.remaining, headers, context);
  }
  if (length > from.remaining) branch.note = `${from.remaining} of ${length} octets of the body are here`;
  return body(branch, Math.min(length, from.remaining), headers, context);
}

/** A Content-Length of at most fifteen digits, which a double holds exactly. RFC 9112 §6.2 */
function lengthOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function body(branch: Branch, length: number, headers: Headers, context: Context): string | undefined {
  if (length === 0) return undefined;
  const node = branch.part(length, (octets, offset) => bodyNode(octets, offset, headers, context));
  return node.value ?? node.label;
}

const types: readonly ExplainType[] = ["script", "script-response", "profile-package"];

function bodyNode(octets: Uint8Array, offset: number, headers: Headers, context: Context): Node {
  const kind = scriptKindOf(headers.get("content-type") ?? "")?.direction;
  if (kind !== undefined)
    return context.read(kind === "command" ? "script" : "script-response", octets, offset, context);
  return context.guess(types, octets, offset, context) ?? unreadLeaf("body", octets, offset);
}

/** Chunks of a body; one that is cut ends it. */
function chunked(branch: Branch, headers: Headers, context: Context): string | undefined {
  const { from } = branch;
  const parts: { readonly octets: Uint8Array; readonly offset: number }[] = [];
  while (!from.ended) {
    const size = chunkSize(branch);
    if (size === undefined) break;
    if (size === 0) {
      trailer(branch);
      break;
    }
    const length = Math.min(size, from.remaining);
    const offset = from.offset;
    parts.push({ octets: from.take(length), offset });
    branch.add({ label: "chunk", value: `${length} octets`, offset, length, children: [] });
    if (length < size) branch.note = `${length} of ${size} octets of a chunk are here`;
    else lineEnd(branch);
  }
  const [first] = parts;
  if (first === undefined) return undefined;
  const alone = parts.length === 1;
  const whole = alone ? first.octets : concatBytes(...parts.map(({ octets }) => octets));
  const start = alone ? first.offset : 0;
  const read = bodyNode(whole, start, headers, context);
  const node = context.secrets === true ? read : maskSecrets(read, whole, start);
  branch.add(alone ? node : { ...node, note: `put together from ${parts.length} chunks, offsets count in the body` });
  return node.value ?? node.label;
}

/** The line in front of a chunk; undefined when it is not a size, which ends the body. */
function chunkSize(branch: Branch): number | undefined {
  const { from } = branch;
  const start = from.offset - from.base;
  const end = from.bytes.subarray(start, start + 64).indexOf(0x0a);
  const text = latin1.decode(from.bytes.subarray(start, end < 0 ? start : start + end));
  const [, digits] = /^\s*([0-9A-Fa-f]{1,8})\s*(?:;.*)?\r?$/.exec(text) ?? [];
  if (digits === undefined) {
    branch.note = "a chunk without its size: the body ends here";
    return undefined;
  }
  const size = Number.parseInt(digits, 16);
  const offset = from.offset;
  from.take(end + 1);
  branch.add({ label: "chunk size", value: `${size} octets`, offset, length: end + 1, children: [] });
  return size;
}

function lineEnd(branch: Branch): void {
  if (branch.from.peek() === 0x0d) branch.from.u8();
  if (branch.from.peek() === 0x0a) branch.from.u8();
}

/** Lines behind the last chunk up to the empty one, which some cards leave out. */
function trailer(branch: Branch): void {
  const { from } = branch;
  while (!from.ended) {
    const start = from.offset - from.base;
    const end = from.bytes.subarray(start, start + 1024).indexOf(0x0a);
    const text = latin1.decode(from.bytes.subarray(start, end < 0 ? start : start + end)).trim();
    if (end < 0 || (text !== "" && !/^[\w-]+:/.test(text))) return;
    from.take(end + 1);
    if (text === "") return;
  }
}
