import type { Attr, Document, Element, Node } from "@xmldom/xmldom";
import { children, isElement, nodeKind } from "./xml.ts";
import { joinedBase } from "./xml-base.ts";

/** How an element is canonicalised. */
export interface Canonicalisation {
  /** Exclusive: only namespaces that are visibly used are written. */
  readonly exclusive: boolean;
  readonly comments: boolean;
  /** Prefixes that are treated as in inclusive canonicalisation; `#default` is the empty one. */
  readonly inclusivePrefixes?: readonly string[];
  /** Version 1.1: `xml:id` is not inherited, and `xml:base` is joined with those of the ancestors that are left out. */
  readonly version11?: boolean;
}

/** Algorithms by their URI. W3C xml-exc-c14n, xml-c14n, xml-c14n11 */
export const canonicalisations: Readonly<Record<string, Canonicalisation>> = {
  "http://www.w3.org/2001/10/xml-exc-c14n#": { exclusive: true, comments: false },
  "http://www.w3.org/2001/10/xml-exc-c14n#WithComments": { exclusive: true, comments: true },
  "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": { exclusive: false, comments: false },
  "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments": { exclusive: false, comments: true },
  "http://www.w3.org/2006/12/xml-c14n11": { exclusive: false, comments: false, version11: true },
  "http://www.w3.org/2006/12/xml-c14n11#WithComments": { exclusive: false, comments: true, version11: true },
};

const namespaceOfDeclarations = "http://www.w3.org/2000/xmlns/";
const namespaceOfXml = "http://www.w3.org/XML/1998/namespace";

/**
 * An element with all it contains, in canonical form, as a part of its document: what it inherits from the elements
 * around it is written according to the method. `without` is left out with all it contains. W3C xml-c14n §2, xml-c14n11
 * §2.4, xml-exc-c14n §3
 */
export function canonical(element: Element, how: Canonicalisation, without?: Element): string {
  const writer = new CanonicalWriter(how, without);
  writer.declareAround(element);
  writer.write(element, how.exclusive ? [] : inherited(element, how.version11 === true));
  return writer.text();
}

/** A whole document in canonical form, without its document type. W3C xml-c14n §2.3 */
export function canonicalDocument(document: Document, how: Canonicalisation, without?: Element): string {
  const parts: string[] = [];
  let before = true;
  for (const node of children(document)) {
    if (isElement(node)) {
      parts.push(canonical(node, how, without));
      before = false;
      continue;
    }
    // The tree has the XML declaration as an instruction, which it is not.
    const text = node.nodeName === "xml" ? "" : otherText(node, how.comments);
    if (text !== "" && node.nodeType !== nodeKind.text) parts.push(before ? `${text}\n` : `\n${text}`);
  }
  return parts.join("");
}

/** An element as a document of its own: what is read from it is what was in the element, to the last carriage return. */
export function serialized(element: Element): string {
  return canonical(element, { exclusive: false, comments: true });
}

/** Writes elements in one pass; what is declared and what is written already is kept in two maps that are wound back at each end-tag. */
class CanonicalWriter {
  readonly #how: Canonicalisation;
  readonly #without: Element | undefined;
  readonly #parts: string[] = [];
  readonly #declared = new Map<string, string>();
  readonly #rendered = new Map<string, string>();
  readonly #inclusive: ReadonlySet<string>;
  #apex = true;

  constructor(how: Canonicalisation, without: Element | undefined) {
    this.#how = how;
    this.#without = without;
    this.#inclusive = new Set((how.inclusivePrefixes ?? []).map((prefix) => (prefix === "#default" ? "" : prefix)));
  }

  text(): string {
    return this.#parts.join("");
  }

  /** Takes over the namespaces that are in scope around an element. */
  declareAround(element: Element): void {
    for (const ancestor of ancestors(element).reverse())
      for (const attribute of attributesOf(ancestor))
        if (attribute.namespaceURI === namespaceOfDeclarations)
          this.#declared.set(prefixDeclared(attribute), attribute.value);
  }

  write(element: Element, inheritedAttributes: readonly WrittenAttribute[]): void {
    const own: WrittenAttribute[] = [];
    const here: string[] = [];
    const undo: (() => void)[] = [];
    for (const attribute of attributesOf(element)) {
      if (attribute.namespaceURI !== namespaceOfDeclarations) {
        own.push(writtenAttribute(attribute));
        continue;
      }
      const prefix = prefixDeclared(attribute);
      undo.push(replaced(this.#declared, prefix, attribute.value));
      here.push(prefix);
    }
    const attributes = withInherited(own, inheritedAttributes);
    this.#parts.push(`<${element.tagName}`);
    for (const prefix of this.#candidates(element, attributes, here).sort(compare)) {
      const uri = this.#declared.get(prefix) ?? "";
      if ((this.#rendered.get(prefix) ?? "") === uri) continue;
      undo.push(replaced(this.#rendered, prefix, uri));
      this.#parts.push(` ${prefix === "" ? "xmlns" : `xmlns:${prefix}`}="${attributeText(uri)}"`);
    }
    attributes.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.local, b.local));
    for (const { name, value } of attributes) this.#parts.push(` ${name}="${attributeText(value)}"`);
    this.#parts.push(">");
    for (let child = element.firstChild; child !== null; child = child.nextSibling) {
      if (!isElement(child)) this.#parts.push(otherText(child, this.#how.comments));
      else if (child !== this.#without) this.write(child, []);
    }
    this.#parts.push(`</${element.tagName}>`);
    for (const back of undo.reverse()) back();
  }

  /** Prefixes that this element may have to declare in the output; below the first element only what changed there. */
  #candidates(element: Element, attributes: readonly WrittenAttribute[], here: readonly string[]): string[] {
    const inScope = this.#apex ? [...this.#declared.keys()] : here;
    this.#apex = false;
    const prefixes = new Set(this.#how.exclusive ? inScope.filter((prefix) => this.#inclusive.has(prefix)) : inScope);
    if (this.#how.exclusive) {
      prefixes.add(element.prefix ?? "");
      for (const { prefix } of attributes) if (prefix !== "") prefixes.add(prefix);
    }
    prefixes.delete("xml");
    return [...prefixes];
  }
}

interface WrittenAttribute {
  readonly name: string;
  readonly prefix: string;
  readonly local: string;
  readonly namespace: string;
  readonly value: string;
  /** It holds the element's own value already. */
  readonly joined?: boolean;
}

function writtenAttribute({ name, prefix, localName, namespaceURI, value }: Attr): WrittenAttribute {
  return { name, prefix: prefix ?? "", local: localName ?? name, namespace: namespaceURI ?? "", value };
}

/** The `xml:` attributes that an element takes over from those around it, the nearest of each name. */
function inherited(element: Element, version11: boolean): WrittenAttribute[] {
  const found = new Map<string, WrittenAttribute>();
  const bases: string[] = [];
  for (const ancestor of ancestors(element)) {
    for (const attribute of attributesOf(ancestor)) {
      if (attribute.namespaceURI !== namespaceOfXml) continue;
      const written = writtenAttribute(attribute);
      if (version11 && written.local === "base") bases.unshift(written.value);
      else if (version11 && !["lang", "space"].includes(written.local)) continue;
      else if (!found.has(written.local)) found.set(written.local, written);
    }
  }
  if (bases.length > 0) {
    const own = element.getAttributeNS(namespaceOfXml, "base");
    const value = joinedBase(own === null ? bases : [...bases, own]);
    const joined = { name: "xml:base", prefix: "xml", local: "base", namespace: namespaceOfXml, value, joined: true };
    found.set("base", joined);
  }
  return [...found.values()];
}

/** An element's own attributes go before inherited ones, and those that hold its own already before both. */
function withInherited(own: readonly WrittenAttribute[], taken: readonly WrittenAttribute[]): WrittenAttribute[] {
  if (taken.length === 0) return [...own];
  const same = (a: WrittenAttribute) => (b: WrittenAttribute) => a.namespace === b.namespace && a.local === b.local;
  return [
    ...own.filter((one) => !taken.some((other) => other.joined === true && same(one)(other))),
    ...taken.filter((one) => (one.joined === true ? one.value !== "" : !own.some(same(one)))),
  ];
}

/** The elements around one, the nearest first. */
function ancestors(element: Element): Element[] {
  const found: Element[] = [];
  for (let node = element.parentNode; node !== null && isElement(node); node = node.parentNode) found.push(node);
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

/** Sets an entry and returns how to take that back. */
function replaced(map: Map<string, string>, key: string, value: string): () => void {
  const before = map.get(key);
  map.set(key, value);
  return () => void (before === undefined ? map.delete(key) : map.set(key, before));
}

/** By code points, as names and URIs are ordered. */
const compare = (a: string, b: string) => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)));

function otherText(node: Node, comments: boolean): string {
  const value = node.nodeValue ?? "";
  switch (node.nodeType) {
    case nodeKind.text:
    case nodeKind.cdata:
      return characterText(value);
    case nodeKind.instruction:
      return `<?${node.nodeName}${value === "" ? "" : ` ${value.replaceAll("\r", "&#xD;")}`}?>`;
    case nodeKind.comment:
      return comments ? `<!--${value.replaceAll("\r", "&#xD;")}-->` : "";
    default:
      return "";
  }
}

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
