import { codecError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import type { Context } from "../context.ts";
import { tarName } from "../names.ts";
import { type Branch, branchOf, type Node, unreadLeaf } from "../tree.ts";

export const tarWords = (octets: Uint8Array): string | undefined => tarName(octets);

/** `TAR 000001 (ISD-R)`. */
export function tarText(octets: Uint8Array): string {
  const name = tarName(octets);
  return name === undefined || name.includes(toHex(octets)) ? `TAR ${toHex(octets)}` : `TAR ${toHex(octets)} (${name})`;
}

/** A length field and what it counts. */
interface Counted {
  readonly field: "CPL" | "RPL";
  readonly announced: number;
  /** Octets that follow the field. */
  readonly present: number;
  /** The first message of several: the rest is in the others. */
  readonly segmented: boolean;
  /** The least that a whole packet counts. */
  readonly least: number;
}

/** The words of a length field. @throws codec.length where it counts less than a packet has, or more than is here */
export function countedWords({ field, announced, present, segmented, least }: Counted, offset: number): string {
  if (announced < least)
    throw codecError("codec.length", `${field} ${announced}: a packet counts at least ${least}`, offset);
  if (announced > present && !segmented) {
    throw codecError("codec.length", `${field} counts ${announced} octets, ${present} are here`, offset, { field });
  }
  return `${announced} octets`;
}

/** A header length as text. @throws codec.length below the header itself */
export function checkWords(field: "CHL" | "RHL", value: number, header: number, offset: number): string {
  if (value < header) throw codecError("codec.length", `${field} ${value}: the header alone has ${header}`, offset);
  return `${value}: ${value - header} octets of RC/CC/DS`;
}

/** Secured data: a script, an answer, a notification, a session trigger. */
export function securedData(branch: Branch, length: number, context: Context, answer = false): string | undefined {
  if (length <= 0) return undefined;
  const types = answer ? (["script-response"] as const) : (["notification", "session-trigger", "script"] as const);
  const node = branch.part(length, (bytes, offset) => {
    const found = context.guess(types, bytes, offset, context);
    return found ?? branchOf("secured data", bytes, offset, (inner) => void inner.part(length, unknownData));
  });
  return node.value === undefined ? node.label : `${node.label}: ${node.value}`;
}

const unknownData = (octets: Uint8Array, offset: number): Node => unreadLeaf("data", octets, offset);

/** CNTR and PCNTR as five octets and one, in front of other parts. */
export function counterHead(cntr: number, pcntr: number): Uint8Array {
  const head = new Uint8Array(6);
  for (let i = 0, left = cntr; i < 5; i++, left = Math.floor(left / 256)) head[4 - i] = left % 256;
  head[5] = pcntr;
  return head;
}

/** A note and one more. */
export function joinNotes(...notes: readonly (string | undefined)[]): string | undefined {
  const said = notes.filter((note) => note !== undefined);
  return said.length === 0 ? undefined : said.join("; ");
}
