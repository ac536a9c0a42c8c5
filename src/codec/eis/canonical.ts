import type { Attr, Element, Node } from "@xmldom/xmldom";
import { children, isElement, nodeKind } from "./xml.ts";

/** How an element is canonicalised. */
export interface Canonicalisation {
  /** Exclusive: only namespaces that are visibly used are written. */
  readonly exclusive: boolean;
  readonly comments: boolean;
  /** Prefixes that are treated as in inclusive canonicalisation; `#default` is the empty one. */
  readonly inclusivePrefixes?: readonly string[];
}

/** Algorithms by their URI. W3C xml-exc-c14n, xml-c14n */
export const canonicalisations: Readonly<Record<string, Canonicalisation>> = {
  "http://www.w3.org/2001/10/xml-exc-c14n#": { exclusive: true, comments: false },
  "http://www.w3.org/2001/10/xml-exc-c14n#WithComments": { exclusive: true, comments: true },
  "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": { exclusive: false, comments: false },
  "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments": { exclusive: false, comments: true },
};

const namespacePrefix = "http://www.w3.org/2000/xmlns/";
type Namespaces = ReadonlyMap<string, string>;

/** An element with all it contains, in canonical form. W3C xml-c14n §2, xml-exc-c14n §3 */
export function canonical(element: Element, how: Canonicalisation, without?: Element): string {
  const parts: string[] = [];
  write(element, { how, without, parts }, new Map(), inScope(element.parentNode));
  return parts.join("");
}

/** An element as a document of its own: what is read from it is what was in the element, to the last carriage return. */
export function serialized(element: Element): string {
  return canonical(element, { exclusive: false, comments: true });
}

interface Writing {
  readonly how: Canonicalisation;
  readonly without: Element | undefined;
  readonly parts: string[];
}

function write(element: Element, writing: Writing, rendered: Namespaces, outer: Namespaces): void {
  const { how, without, parts } = writing;
  const declared = new Map(outer);
  const attributes: Attr[] = [];
  for (const attribute of attributesOf(element)) {
    if (attribute.namespaceURI === namespacePrefix) declared.set(prefixDeclared(attribute), attribute.value);
    else attributes.push(attribute);
  }
  const { lines, now } = namespaceNodes(element, attributes, how, rendered, declared);
  parts.push(`<${element.tagName}`, ...lines);
  attributes.sort(byNamespaceThenName);
  for (const { name, value } of attributes) parts.push(` ${name}="${attributeText(value)}"`);
  parts.push(">");
  for (const child of children(element)) {
    if (isElement(child)) {
      if (child !== without) write(child, writing, now, declared);
    } else writeOther(child, how, parts);
  }
  parts.push(`</${element.tagName}>`);
}

function writeOther(node: Node, how: Canonicalisation, parts: string[]): void {
  const value = node.nodeValue ?? "";
  if (node.nodeType === nodeKind.text || node.nodeType === nodeKind.cdata) parts.push(characterText(value));
  else if (node.nodeType === nodeKind.instruction)
    parts.push(`<?${node.nodeName}${value === "" ? "" : ` ${value.replaceAll("\r", "&#xD;")}`}?>`);
  else if (node.nodeType === nodeKind.comment && how.comments) parts.push(`<!--${value.replaceAll("\r", "&#xD;")}-->`);
}

/** The namespace declarations that this element writes, and what is declared in the output from here on. */
function namespaceNodes(
  element: Element,
  attributes: readonly Attr[],
  how: Canonicalisation,
  rendered: Namespaces,
  declared: Namespaces,
): { lines: string[]; now: Namespaces } {
  const used = new Set<string>();
  if (how.exclusive) {
    used.add(element.prefix ?? "");
    for (const { prefix } of attributes) if (prefix !== null && prefix !== "") used.add(prefix);
    for (const prefix of how.inclusivePrefixes ?? []) {
      const name = prefix === "#default" ? "" : prefix;
      if (declared.has(name)) used.add(name);
    }
  } else for (const prefix of [...declared.keys(), ""]) used.add(prefix);
  used.delete("xml");
  const now = new Map(rendered);
  const lines: string[] = [];
  for (const prefix of [...used].sort()) {
    const uri = declared.get(prefix) ?? "";
    if ((rendered.get(prefix) ?? "") === uri) continue;
    now.set(prefix, uri);
    lines.push(` ${prefix === "" ? "xmlns" : `xmlns:${prefix}`}="${attributeText(uri)}"`);
  }
  return { lines, now };
}

/** Namespaces declared by a node and those around it. */
function inScope(node: Node | null): Namespaces {
  if (node === null || !isElement(node)) return new Map();
  const found = new Map(inScope(node.parentNode));
  for (const attribute of attributesOf(node))
    if (attribute.namespaceURI === namespacePrefix) found.set(prefixDeclared(attribute), attribute.value);
  return found;
}

function attributesOf(element: Element): Attr[] {
  return Array.from({ length: element.attributes.length }, (_, index) => element.attributes.item(index)).flatMap(
    (attribute) => (attribute === null ? [] : [attribute]),
  );
}

/** `xmlns:p` declares p, `xmlns` the empty prefix. */
function prefixDeclared({ prefix, localName }: Attr): string {
  return prefix === "xmlns" ? (localName ?? "") : "";
}

function byNamespaceThenName(a: Attr, b: Attr): number {
  return compare(a.namespaceURI ?? "", b.namespaceURI ?? "") || compare(a.localName ?? a.name, b.localName ?? b.name);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function characterText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#xD;");
}

function attributeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\t", "&#x9;")
    .replaceAll("\n", "&#xA;")
    .replaceAll("\r", "&#xD;");
}
