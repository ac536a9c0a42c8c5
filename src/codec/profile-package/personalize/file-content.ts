import { codecError } from "../../../base/gateway-error.ts";
import { concatBytes } from "../../../base/hex.ts";
import { tlvBytes } from "../../kit/ber.ts";
import { childOf, numberIn, type PackageNode } from "../element.ts";
import { type PackageFile, statedSize } from "../package-files.ts";
import { withValue } from "../rewrite.ts";
import type { Edits } from "./edits.ts";
import type { PlacedFile } from "./find-files.ts";

/** Octets for a file from an offset on. */
interface Patch {
  readonly at: number;
  readonly octets: Uint8Array;
}

/** Tags of `skip` and `content` commands in a template element and in a genericFileManagement. eUICC Profile Package §8.3 */
const templateTags = { skip: 0x82, content: 0x83 } as const;
const genericTags = { skip: 0x02, content: 0x81 } as const;

type Tags = typeof templateTags | typeof genericTags;

/**
 * Writes octets into a file of the package. Octets that a command writes are changed in place; a command is added, or made
 * longer, for those that only the template supplies. The size of a transparent file grows with its content.
 * @throws codec.value for a file that is not created, codec.length for a file of records that is too short
 */
export function writeFile(edits: Edits, name: string, { element, file, label }: PlacedFile, patch: Patch): void {
  if (!file.created && file.name !== undefined) {
    const place = `element ${element.position + 1} (${element.type})`;
    const message = `${name}: ${label} is marked as not created in ${place}`;
    throw codecError("codec.value", message, file.node.offset, { field: name, element: element.position + 1 });
  }
  const tags = file.name === undefined ? genericTags : templateTags;
  const fcp = grownFcp(edits, name, file, patch, label);
  const last = file.fills.at(-1);
  if (last === undefined) {
    const added = commands(tags, 0, patch);
    if (fcp !== undefined) edits.set(name, fcp.node, concatBytes(fcp.octets, added));
    else edits.set(name, file.node, withValue(file.node, concatBytes(file.node.value, added)));
    return;
  }
  let at = 0;
  for (const node of file.fills) {
    const isSkip = node.field?.id === "fillFileOffset";
    const end = at + (isSkip ? (numberIn(node) ?? 0) : node.value.length);
    const span = { start: at, end, isLast: node === last };
    const changed = isSkip ? changedSkip(node, tags, span, patch) : changedContent(node, tags, span, patch);
    if (changed !== undefined) edits.set(name, node, changed);
    at = end;
  }
}

/** The descriptor of a file that is not filled yet, with its size as the patch needs it; a filled one's size is set alone. */
function grownFcp(edits: Edits, name: string, file: PackageFile, { at, octets }: Patch, label: string) {
  const { fcp } = file;
  if (fcp === undefined) return undefined;
  const end = at + octets.length;
  const size = statedSize(fcp);
  const node = childOf(fcp, "efFileSize");
  if (size === undefined || node === undefined || size >= end) return { node: fcp, octets: fcp.octets };
  const descriptor = childOf(fcp, "fileDescriptor")?.value[0] ?? 0x41;
  if ((descriptor & 0x07) !== 0x01) {
    const message = `${name}: ${label} has ${size} octets, and ${end} are needed`;
    throw codecError("codec.length", message, node.offset, { field: name });
  }
  const grown = withValue(node, unsigned(end, node.value.length));
  if (file.fills.length > 0) {
    edits.set(name, node, grown);
    return { node: fcp, octets: fcp.octets };
  }
  const from = node.offset - fcp.valueOffset;
  const value = concatBytes(fcp.value.subarray(0, from), grown, fcp.value.subarray(from + node.octets.length));
  return { node: fcp, octets: withValue(fcp, value) };
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly isLast: boolean;
}

/** A content command with the part of the patch that it covers; the last one is made longer, or followed by another. */
function changedContent(node: PackageNode, tags: Tags, span: Span, { at, octets }: Patch): Uint8Array | undefined {
  const patchEnd = at + octets.length;
  const [from, to] = [Math.max(at, span.start), Math.min(patchEnd, span.end)];
  const value = Uint8Array.from(node.value);
  if (from < to) value.set(octets.subarray(from - at, to - at), from - span.start);
  const grows = span.isLast && patchEnd > span.end;
  if (!grows) return from < to ? withValue(node, value) : undefined;
  if (at <= span.end) return withValue(node, concatBytes(value, octets.subarray(span.end - at)));
  return concatBytes(node.octets, commands(tags, span.end, { at, octets }));
}

/** A skip command around the part of the patch that lies in it. */
function changedSkip(node: PackageNode, tags: Tags, span: Span, { at, octets }: Patch): Uint8Array | undefined {
  const patchEnd = at + octets.length;
  const [from, to] = [Math.max(at, span.start), span.isLast ? patchEnd : Math.min(patchEnd, span.end)];
  if (from >= to) return undefined;
  const part = { at: from, octets: octets.subarray(from - at, to - at) };
  if (from >= span.end) return concatBytes(node.octets, commands(tags, span.end, part));
  return concatBytes(commands(tags, span.start, part), skip(tags, Math.max(0, span.end - to)));
}

/** Commands that write a patch when `from` octets of the file are behind. */
function commands(tags: Tags, from: number, { at, octets }: Patch): Uint8Array {
  return concatBytes(skip(tags, at - from), tlvBytes(tags.content, octets));
}

function skip(tags: Tags, count: number): Uint8Array {
  return count === 0 ? new Uint8Array() : tlvBytes(tags.skip, positive(count));
}

/** An INTEGER that is not negative, in DER. */
function positive(value: number): Uint8Array {
  const octets = unsigned(value, 1);
  return (octets[0] ?? 0) >= 0x80 ? concatBytes(new Uint8Array(1), octets) : octets;
}

/** A number in at least `count` octets. */
function unsigned(value: number, count: number): Uint8Array {
  const digits = value.toString(16);
  return Uint8Array.from(
    Buffer.from(digits.padStart(Math.max(count * 2, digits.length + (digits.length % 2)), "0"), "hex"),
  );
}
