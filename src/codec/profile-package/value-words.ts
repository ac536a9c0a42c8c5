import { toHex } from "../../base/hex.ts";
import { oidText } from "../euicc/certificate.ts";
import { unsignedOf } from "../kit/unsigned.ts";
import { childOf, numberIn, type PackageNode } from "./element.ts";
import { algorithmName, codeName } from "./words.ts";

/** Octets of a value that are written out at most. */
const maxWritten = 32;

/** A plain value as text; octets as hexadecimal, long ones only in part. Secrets are the caller's business. */
export function valueWords({ field, value }: PackageNode): string {
  switch (field?.type.is) {
    case "null":
      return "present";
    case "text":
      return `"${new TextDecoder().decode(value.subarray(0, 400))}"`;
    case "oid":
      return oidText(value) ?? hexWords(value);
    case "integer":
      return numberWords(field.meaning, unsignedOf(value)) ?? hexWords(value);
    default:
      return field?.meaning === "iccid" ? toHex(value).replace(/F+$/, "") : hexWords(value);
  }
}

function numberWords(meaning: string | undefined, number: number | undefined): string | undefined {
  if (number === undefined) return undefined;
  if (meaning === "pin-reference" || meaning === "puk-reference") {
    return codeName(meaning === "pin-reference" ? "PIN" : "PUK", number);
  }
  return (meaning === "algorithm" ? algorithmName(number) : undefined) ?? String(number);
}

function hexWords(value: Uint8Array): string {
  if (value.length === 0) return "empty";
  const text = toHex(value.subarray(0, maxWritten));
  return value.length <= maxWritten ? text : `${text}… (${value.length} octets)`;
}

/** Whether a plain value is longer than usual, so that it may be something else. */
export function isOversized({ field, value }: PackageNode): boolean {
  return value.length > (field?.usual ?? 0);
}

/** Name of a node among its neighbours: with the values that tell entries of a list apart. */
export function nodeName(node: PackageNode): string {
  const { field } = node;
  if (field === undefined) return `tag ${node.tag.toString(16).toUpperCase()}`;
  const keys = (field.keys ?? []).map((id) => {
    const key = childOf(node, id);
    if (key === undefined || isOversized(key)) return "?";
    return numberIn(key) !== undefined && key.field?.type.is === "integer" ? String(numberIn(key)) : toHex(key.value);
  });
  return keys.length === 0 ? field.name : `${field.name} ${keys.join("-")}`;
}
