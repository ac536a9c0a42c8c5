import { codecError } from "../../../base/gateway-error.ts";
import { concatBytes } from "../../../base/hex.ts";
import { tlvBytes } from "../../kit/ber.ts";
import type { PackageNode, ProfileElement } from "../element.ts";
import { innerFields } from "../field.ts";
import { withValue } from "../rewrite.ts";

/** A change of one package, collected before its octets are written: a node is changed by one value only. */
export class Edits {
  readonly #nodes = new Map<PackageNode, { readonly name: string; readonly octets: Uint8Array }>();
  readonly #after = new Map<PackageNode, Uint8Array>();

  /**
   * Puts octets (whole TLVs, or none) in place of a node; `name` is the value that asks for it.
   * @throws codec.value where another value has changed the node
   */
  set(name: string, node: PackageNode, octets: Uint8Array): void {
    const earlier = this.#nodes.get(node);
    if (earlier !== undefined) {
      const message = `${earlier.name} and ${name} set the same field, at offset ${node.offset} of the package`;
      throw codecError("codec.value", message, node.offset, { field: name });
    }
    this.#nodes.set(node, { name, octets });
  }

  /** Puts another value under the tag of a node. */
  value(name: string, node: PackageNode, value: Uint8Array): void {
    this.set(name, node, withValue(node, value));
  }

  /** Sets a field of an element; an absent one is put in where its order requires it. */
  field(name: string, element: ProfileElement, id: string, value: Uint8Array): void {
    const present = element.children.find(({ field }) => field?.id === id);
    if (present !== undefined) {
      this.value(name, present, value);
      return;
    }
    const fields = element.field === undefined ? [] : (innerFields(element.field) ?? []);
    const index = fields.findIndex((one) => one.id === id);
    const field = fields[index];
    const before = element.children.findLast((child) => {
      const at = child.field === undefined ? -1 : fields.indexOf(child.field);
      return at >= 0 && at < index;
    });
    if (field === undefined || before === undefined) {
      const message = `${name}: element ${element.position + 1} (${element.type}) has no place for ${id}`;
      throw codecError("codec.tag", message, element.offset, { field: name });
    }
    const octets = tlvBytes(field.tag, value);
    this.#after.set(before, concatBytes(octets, this.#after.get(before) ?? new Uint8Array()));
  }

  /** What stands in place of each changed node. */
  get replacements(): ReadonlyMap<PackageNode, Uint8Array> {
    const all = new Map<PackageNode, Uint8Array>();
    for (const [node, { octets }] of this.#nodes) all.set(node, octets);
    for (const [node, octets] of this.#after) all.set(node, concatBytes(all.get(node) ?? node.octets, octets));
    return all;
  }
}
