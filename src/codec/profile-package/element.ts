import { withoutUndefined } from "../../base/defined.ts";
import { codecError } from "../../base/gateway-error.ts";
import { hexTag } from "../kit/ber.ts";
import { unsignedOf } from "../kit/unsigned.ts";
import { type ElementType, elementFields } from "./elements/table.ts";
import { elementHeader, type Field, fieldIndex, innerFields, sequence } from "./field.ts";
import { type EncodingFault, isFault, type TlvHead, tlvHead } from "./tlv-head.ts";

/**
 * One TLV of a package, with the field that it is. All octets are views of the package, as they stand: writing a node
 * means writing `octets`.
 */
export interface PackageNode {
  /** What it is; undefined for a tag that the element does not have. */
  readonly field: Field | undefined;
  readonly tag: number;
  /** Offset of the first tag octet in the package. */
  readonly offset: number;
  /** Tag, length, value, and end-of-contents octets if there are any. */
  readonly octets: Uint8Array;
  readonly value: Uint8Array;
  readonly valueOffset: number;
  readonly indefinite: boolean;
  /** Fields inside it, in the order in which they stand; empty for a plain value. */
  readonly children: readonly PackageNode[];
}

/** PEHeader. eUICC Profile Package §8.1.2 */
interface ElementHeader {
  /** The card must refuse the package if it does not support the element. */
  readonly mandated: boolean;
  /** Any number of 15 bits, which packages do not always use once. */
  readonly identification?: number;
}

/** One profile element. eUICC Profile Package §8.1 */
export interface ProfileElement extends PackageNode {
  readonly type: ElementType | "unknown";
  /** Place in the package, from 0. */
  readonly position: number;
  /** Absent in the profile header and where it is missing. */
  readonly header?: ElementHeader;
}

/** A profile package that was read. */
export interface ProfilePackage {
  readonly octets: Uint8Array;
  /** Up to and with the first end element. */
  readonly elements: readonly ProfileElement[];
  /** Octets behind the end element: no card expects them. */
  readonly trailing: Uint8Array;
  /** What DER does not allow, in the order of the octets, {@link maxFaults} at most. */
  readonly faults: readonly EncodingFault[];
}

/** Encoding faults that are listed. */
const maxFaults = 100;

/** Elements and TLVs of a package. Real packages have dozens and some thousand; more would hold the process for seconds. */
const maxElements = 1024;
const maxNodes = 65_536;

/**
 * Reads a profile package: DER profile elements one behind the other. Inside the elements it is lenient: what cannot be
 * read there is a fault in the result, and the octets stay as they are.
 * @throws codec.truncated, codec.tag, codec.length where the octets cannot be divided into elements, or into too many.
 * eUICC Profile Package §8.1
 */
export function readProfilePackage(octets: Uint8Array): ProfilePackage {
  if (octets.length === 0) throw codecError("codec.truncated", "the profile package is empty", 0);
  const reading = new Reading(octets);
  const elements: ProfileElement[] = [];
  let at = 0;
  while (at < octets.length && elements.at(-1)?.type !== "end") {
    const head = tlvHead(octets, at, octets.length);
    if (isFault(head)) throw elementError(head, elements.length);
    if (elements.length === maxElements)
      throw codecError("codec.length", `the package has more than ${maxElements} profile elements`, at);
    if (at === 0 && !elementFields.has(head.tag)) {
      throw codecError("codec.tag", `tag ${hexTag(head.tag)} is not a profile element`, 0);
    }
    elements.push(reading.element(head, at, elements.length));
    at = head.next;
  }
  return { octets, elements, trailing: octets.subarray(at), faults: reading.faults };
}

function elementError({ kind, offset, message }: EncodingFault, position: number) {
  const code = kind === "tag" ? "codec.tag" : kind === "length" ? "codec.length" : "codec.truncated";
  return codecError(code, `profile element ${position + 1}: ${message}`, offset, { position });
}

/** An element of a later version: its header is read. */
const unknownElement = sequence(0, "unknown", [elementHeader]);

/** Makes nodes of the octets of one package. */
class Reading {
  readonly faults: EncodingFault[] = [];
  readonly #octets: Uint8Array;
  #nodes = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  element(head: TlvHead, offset: number, position: number): ProfileElement {
    const field = elementFields.get(head.tag);
    const node = { ...this.#node(head, offset, field ?? unknownElement), field };
    const type = field?.id ?? "unknown";
    const [first] = node.children;
    if (type === "header" || first?.field?.id !== "header") return { ...node, type, position };
    return { ...node, type, position, header: headerOf(first) };
  }

  #node(head: TlvHead, offset: number, field: Field | undefined): PackageNode {
    this.#nodes += 1;
    if (this.#nodes > maxNodes) throw codecError("codec.length", `the package has more than ${maxNodes} TLVs`, offset);
    const { tag, valueStart, valueEnd, next, indefinite } = head;
    const what = `tag ${hexTag(tag)}`;
    if (indefinite) this.#fault({ kind: "indefinite", offset, message: `${what} has an indefinite length` });
    if (head.longLength)
      this.#fault({ kind: "long-length", offset, message: `the length of ${what} has leading zeros` });
    return {
      field,
      tag,
      offset,
      octets: this.#octets.subarray(offset, next),
      value: this.#octets.subarray(valueStart, valueEnd),
      valueOffset: valueStart,
      indefinite,
      children: this.#children(field, valueStart, valueEnd),
    };
  }

  #children(parent: Field | undefined, start: number, end: number): readonly PackageNode[] {
    const fields = parent === undefined ? undefined : innerFields(parent);
    if (parent === undefined || fields === undefined) return [];
    const ordered = parent.type.is === "sequence";
    const children: PackageNode[] = [];
    let after = -1;
    let at = start;
    while (at < end) {
      const head = tlvHead(this.#octets, at, end);
      if (isFault(head)) {
        this.#fault(head);
        break;
      }
      const index = ordered ? fieldIndex(fields, head.tag, after) : fields.findIndex(({ tag }) => tag === head.tag);
      if (ordered && index >= 0) after = index;
      children.push(this.#node(head, at, fields[index]));
      at = head.next;
    }
    return children;
  }

  #fault(fault: EncodingFault): void {
    if (this.faults.length < maxFaults) this.faults.push(fault);
  }
}

function headerOf(node: PackageNode): ElementHeader {
  const identification = numberIn(childOf(node, "identification"));
  const mandated = childOf(node, "mandated") !== undefined;
  return { mandated, ...withoutUndefined({ identification }) };
}

/** The first field with one of these identifiers along the path from a node; undefined where it is absent. */
export function childOf(node: PackageNode | undefined, ...path: readonly string[]): PackageNode | undefined {
  return path.reduce<PackageNode | undefined>(
    (found, id) => found?.children.find(({ field }) => field?.id === id),
    node,
  );
}

/** All fields with this identifier inside a node, in their order. */
export function childrenOf(node: PackageNode | undefined, id: string): readonly PackageNode[] {
  return node?.children.filter(({ field }) => field?.id === id) ?? [];
}

/**
 * An INTEGER as cards read it: unsigned, leading zeros allowed. Undefined for an absent one, one without octets, and one
 * of more than six octets that count.
 */
export function numberIn(node: PackageNode | undefined): number | undefined {
  return node === undefined ? undefined : unsignedOf(node.value);
}
