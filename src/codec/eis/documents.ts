import { GatewayError } from "../../base/gateway-error.ts";
import { treeLimits, XmlScanner, type XmlTag } from "./xml-scan.ts";

/** Characters that an import may have. */
const maxLength = 8_000_000;
/** Characters of the tags around the EISs, which go into each of their documents. */
const maxAround = 16_384;
const maxDocuments = 10_000;
/** After so many tags others get a turn. */
const tagsPerTurn = 2000;

/**
 * The Eis elements of a document, each as a document of its own: with the start-tags around it, so that namespaces and `xml:` attributes are in
 * scope as they were. A root Eis is the document as it is. `undefined` comes in between when the caller had better let others run.
 * The whole text is checked on the way, but only one part at a time is ever turned into a tree.
 * @throws target.invalid
 */
export function* eisDocuments(text: string): Generator<string | undefined> {
  const scanner = new XmlScanner(text, { ...treeLimits, maxLength });
  const around: XmlTag[] = [];
  let eis: { readonly from: number; readonly depth: number } | undefined;
  let tags = 0;
  let found = 0;
  for (const tag of scanner.tags()) {
    if (++tags % tagsPerTurn === 0) yield undefined;
    if (eis === undefined && tag.kind !== "end" && isEis(tag.name)) {
      scanner.restartCounts();
      eis = { from: tag.from, depth: scanner.depth - (tag.kind === "start" ? 1 : 0) };
      found += 1;
      if (found > maxDocuments) throw tooMuch(`the XML has more than ${maxDocuments} Eis elements`);
    }
    if (eis === undefined) {
      if (tag.kind === "start") around.push(tag);
      else if (tag.kind === "end") around.pop();
      continue;
    }
    if (tag.kind === "start" || scanner.depth > eis.depth) continue;
    yield documentOf(text, eis.from, tag.to, around);
    eis = undefined;
    scanner.restartCounts();
  }
  if (found === 0) throw new GatewayError("target.invalid", "the XML has no Eis element", { detail: { field: "Eis" } });
}

function isEis(name: string): boolean {
  return name.slice(name.indexOf(":") + 1).toLowerCase() === "eis";
}

function documentOf(text: string, from: number, to: number, around: readonly XmlTag[]): string {
  if (around.length === 0) return text;
  const before = around.map((tag) => text.slice(tag.from, tag.to)).join("");
  if (before.length > maxAround)
    throw tooMuch(`the tags around the Eis elements have more than ${maxAround} characters`);
  const after = around.map((tag) => `</${tag.name}>`).reverse();
  return `${before}${text.slice(from, to)}${after.join("")}`;
}

function tooMuch(message: string): GatewayError {
  return new GatewayError("target.invalid", message, { detail: { field: "xml" } });
}
