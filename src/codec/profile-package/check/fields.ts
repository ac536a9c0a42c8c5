import { peStatus } from "../../euicc/euicc-response.ts";
import { hexTag } from "../../kit/ber.ts";
import { unsignedOf } from "../../kit/unsigned.ts";
import type { PackageNode, ProfileElement } from "../element.ts";
import { type Field, innerFields } from "../field.ts";
import { type Finding, findingAt } from "./finding.ts";

/** Fields of an FCP, whose sizes cards judge differently. */
const fcpIds = new Set(["fileDescriptor", "createFCP"]);

/** Types, sizes, presence and order of the fields of an element, as the ASN.1 of the format states them. */
export function checkFields(element: ProfileElement): readonly Finding[] {
  if (element.type === "unknown" || element.type.startsWith("rfu")) return [];
  return [...nodeFindings(element, element, false)];
}

function* nodeFindings(element: ProfileElement, node: PackageNode, inFcp: boolean): Generator<Finding> {
  const { field } = node;
  if (field === undefined) {
    yield findingAt(element, "may be refused", peStatus.invalidParameter, `unknown field ${hexTag(node.tag)}`, node);
    return;
  }
  const wrong = valueFault(field, node.value);
  if (wrong !== undefined) {
    yield findingAt(element, inFcp ? "may be refused" : "refused", peStatus.badValues, `${field.name} ${wrong}`, node);
  }
  yield* presenceFindings(element, node, field);
  for (const child of node.children) yield* nodeFindings(element, child, inFcp || fcpIds.has(field.id));
}

/** What is wrong with a plain value; undefined for a correct one. Never quotes it. */
function valueFault({ type }: Field, value: Uint8Array): string | undefined {
  switch (type.is) {
    case "octets":
    case "text": {
      // Bounds of a text count characters, each of one octet at least.
      const length = type.is === "text" ? new TextDecoder().decode(value).length : value.length;
      if (length >= type.min && length <= type.max) return undefined;
      const unit = type.is === "text" ? "characters" : "octets";
      return `must have ${type.min === type.max ? type.min : `${type.min} to ${type.max}`} ${unit}, not ${length}`;
    }
    case "integer": {
      if (value.length === 0) return "has no octet";
      return (unsignedOf(value) ?? Number.POSITIVE_INFINITY) > type.max ? `must be at most ${type.max}` : undefined;
    }
    case "null":
      return value.length > 0 ? "must be empty" : undefined;
    case "oid":
      return value.length === 0 || ((value.at(-1) ?? 0) & 0x80) !== 0 ? "is not an object identifier" : undefined;
    default:
      return undefined;
  }
}

function* presenceFindings(element: ProfileElement, node: PackageNode, field: Field): Generator<Finding> {
  const fields = innerFields(field);
  if (fields === undefined) return;
  const { type } = field;
  const found = node.children;
  if (type.is === "choice" && found.length !== 1) {
    yield findingAt(
      element,
      "refused",
      peStatus.invalidFormat,
      `${field.name} must contain one of ${fields.map(({ name }) => name).join(", ")}, not ${found.length}`,
      node,
    );
  }
  if (type.is === "list" && found.length < type.min) {
    yield findingAt(element, "refused", peStatus.invalidFormat, `${field.name} has no entry`, node);
  }
  if (type.is === "sequence") yield* sequenceFindings(element, node, fields);
}

function* sequenceFindings(element: ProfileElement, node: PackageNode, fields: readonly Field[]): Generator<Finding> {
  for (const field of fields) {
    if (field.optional || node.children.some((child) => child.field === field)) continue;
    const where = node === element ? "" : ` in ${node.field?.name ?? ""}`;
    yield findingAt(element, "refused", peStatus.invalidFormat, `${field.name} is missing${where}`, node);
  }
  let last = -1;
  for (const child of node.children) {
    const index = child.field === undefined ? -1 : fields.indexOf(child.field);
    if (index < 0) continue;
    if (index === last) {
      yield findingAt(element, "refused", peStatus.invalidFormat, `${child.field?.name} stands there twice`, child);
    } else if (index < last) {
      const message = `${child.field?.name} stands behind fields that follow it`;
      yield findingAt(element, "may be refused", peStatus.invalidFormat, message, child);
    }
    last = Math.max(last, index);
  }
}
