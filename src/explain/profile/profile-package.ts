import { peStatusName } from "../../codec/euicc/euicc-response.ts";
import { readLength, readTag } from "../../codec/kit/ber.ts";
import { Reader } from "../../codec/kit/codec.ts";
import { berPart, type TagEntry, type TagMap } from "../ber-tree.ts";
import type { Context } from "../context.ts";
import { branchOf, decimal, type Node, numberOf } from "../tree.ts";
import { elementNames, profileElements } from "./profile-elements.ts";

const clause = "eUICC Profile Package: Interoperable Format §8";

/**
 * A profile package, or part of one: DER profile elements one behind the other. Keys, PINs and PUKs are hidden unless the
 * caller asked for secrets.
 */
export function profilePackageNode(octets: Uint8Array, base: number, context: Context): Node {
  const shown = context.secrets === true;
  return branchOf(
    "profile package",
    octets,
    base,
    (branch) => {
      while (!branch.from.ended) {
        const tag = berPart(branch, shown ? profileElements.showing : profileElements.hiding, { confidential: !shown });
        const node = branch.children.at(-1);
        const name = elementNames.get(tag) ?? "unknown element";
        branch.addWords(name === "header" && node !== undefined ? headerWords(node) : name);
      }
      return branch.words.replaceAll("; ", ", ");
    },
    { clause, confidential: !shown },
  );
}

function headerWords(node: Node): string {
  const find = (start: string) => node.children.find(({ label }) => label.startsWith(start))?.value;
  const iccid = find("ICCID");
  return `header (version ${find("major") ?? "?"}.${find("minor") ?? "?"}${iccid === undefined ? "" : `, ICCID ${iccid}`})`;
}

const text = (octets: Uint8Array) => `"${new TextDecoder().decode(octets)}"`;

function statusWords(octets: Uint8Array, offset: number): string {
  const value = numberOf(octets, offset);
  if (value >= 0x6000 && value <= 0x9fff) return `status word ${value.toString(16).toUpperCase()}`;
  return peStatusName(value);
}

const peStatus: TagMap = new Map<number, TagEntry>([
  [0x80, { name: "status", render: statusWords }],
  [0x81, { name: "element", render: decimal }],
  [0x82, { name: "additional information", render: decimal }],
  [0x83, { name: "offset in the element", render: decimal }],
]);

const responseTags: TagMap = new Map<number, TagEntry>([
  [
    0x30,
    {
      name: "EUICCResponse",
      tags: new Map<number, TagEntry>([
        [0xa0, { name: "statuses", tags: new Map<number, TagEntry>([[0x30, { name: "PEStatus", tags: peStatus }]]) }],
        [0x81, { name: "installation aborted" }],
        [0x82, { name: "message", render: text }],
      ]),
    },
  ],
]);

/** What an eUICC states about the profile package it was given. */
export function euiccResponseNode(octets: Uint8Array, base: number): Node {
  return branchOf(
    "EUICCResponse",
    octets,
    base,
    (branch) => {
      berPart(branch, responseTags);
      const parts = branch.children[0]?.children ?? [];
      const find = (start: string) => parts.find(({ label }) => label.startsWith(start));
      for (const status of find("statuses")?.children ?? []) {
        const part = (start: string) => status.children.find(({ label }) => label.startsWith(start))?.value;
        const element = part("element");
        branch.addWords(`PEStatus ${part("status") ?? "?"}${element === undefined ? "" : ` (element ${element})`}`);
      }
      if (find("installation") !== undefined) branch.addWords("installation aborted");
      const message = find("message")?.value;
      branch.addWords(message);
      return branch.words;
    },
    { clause },
  );
}

/** A tag and length at the front; undefined when they are malformed. */
function headOf(
  octets: Uint8Array,
): { readonly tag: number; readonly length: number; readonly at: number } | undefined {
  try {
    const from = new Reader(octets);
    const tag = readTag(from);
    const length = readLength(from);
    return { tag, length, at: from.offset };
  } catch {
    return undefined;
  }
}

/** How sure it is that octets start with a profile element. */
export function profilePackageScore(octets: Uint8Array): number {
  const head = headOf(octets);
  const name = head === undefined ? undefined : elementNames.get(head.tag);
  if (head === undefined || name === undefined) return 0;
  const inner = octets.subarray(head.at);
  if (name === "header") return inner[0] === 0x80 && [1, 2].includes(inner[1] ?? 0) && startsMinor(inner) ? 97 : 0;
  const [a0, length = 0, first, second = 0] = inner;
  if (a0 !== 0xa0 || length < 3 || length > 7) return 0;
  const identified = (first === 0x81 && second <= 2) || (first === 0x80 && second === 0 && inner[4] === 0x81);
  return identified ? 96 : 0;
}

function startsMinor(inner: Uint8Array): boolean {
  return inner[2 + (inner[1] ?? 0)] === 0x81;
}

/** How sure it is that octets are an EUICCResponse: a sequence of statuses. */
export function euiccResponseScore(octets: Uint8Array): number {
  const outer = headOf(octets);
  if (outer?.tag !== 0x30) return 0;
  const inner = octets.subarray(outer.at);
  const statuses = headOf(inner);
  if (statuses?.tag !== 0xa0) return 0;
  const status = headOf(inner.subarray(statuses.at));
  const sure = status?.tag === 0x30 && inner[statuses.at + status.at] === 0x80;
  return sure ? (octets.length === outer.at + outer.length ? 97 : 80) : 0;
}
