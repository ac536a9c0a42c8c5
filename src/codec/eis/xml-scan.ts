import { GatewayError } from "../../base/gateway-error.ts";

/** What XML from outside may hold. A document is refused at the first octet that exceeds a limit, before a tree is built. */
interface XmlLimits {
  readonly maxDepth: number;
  readonly maxElements: number;
  /** Attributes of one element, namespace declarations among them. */
  readonly maxAttributes: number;
  /** Attributes of all elements, namespace declarations among them. */
  readonly maxAttributesInAll: number;
  /** Namespace declarations of all elements. */
  readonly maxNamespaces: number;
  /** Comments, CDATA sections, processing instructions and references, which all become nodes of their own. */
  readonly maxOtherNodes: number;
  /** Characters. */
  readonly maxLength: number;
}

/** Limits of one tree: an EIS with hundreds of profiles and audit records is far below them. */
export const treeLimits: XmlLimits = {
  maxDepth: 64,
  maxElements: 3000,
  maxAttributes: 64,
  maxAttributesInAll: 3000,
  maxNamespaces: 256,
  maxOtherNodes: 2000,
  maxLength: 512 * 1024,
};

/** A start-tag, an empty-element tag or an end-tag, as it stands in the text. */
export interface XmlTag {
  readonly kind: "start" | "empty" | "end";
  readonly name: string;
  /** Offset of `<`. */
  readonly from: number;
  /** Offset behind `>`. */
  readonly to: number;
}

const namePattern = /[\p{L}_:][\p{L}\p{N}\p{M}_:.\-·]*/uy;
const attributePattern = /\s+([\p{L}_:][\p{L}\p{N}\p{M}_:.\-·]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/uy;
const tagEnd = /\s*(\/?)>/y;
const badReference = /&(?!(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)/;
const references = /&#(x?)([0-9a-fA-F]+);/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 does not have
const badCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const declaration = /^<\?xml\s[^?]*version\s*=\s*(["'])1\.0\1[^?]*\?>/;

/**
 * Reads XML once from left to right, checks it against the limits, and yields its tags. Only well-formed documents without a document type pass:
 * elements are nested properly, attributes unique, prefixes declared. XML 1.0 §2, Namespaces in XML 1.0
 * @throws target.invalid naming the line and the offset
 */
export class XmlScanner {
  readonly #text: string;
  readonly #limits: XmlLimits;
  readonly #open: { readonly name: string; readonly prefixes: readonly string[] }[] = [];
  readonly #prefixes = new Map<string, number>([["xml", 1]]);
  #elements = 0;
  #attributes = 0;
  #namespaces = 0;
  #others = 0;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
    if (text.length > limits.maxLength)
      throw invalid(`the XML has ${text.length} characters, more than ${limits.maxLength}`, text, limits.maxLength);
  }

  /** Elements that are open at this moment of the scan. */
  get depth(): number {
    return this.#open.length;
  }

  /** The counts begin again: for a part of the document that becomes a tree of its own. */
  restartCounts(): void {
    this.#elements = 0;
    this.#attributes = 0;
    this.#namespaces = 0;
    this.#others = 0;
  }

  *tags(): Generator<XmlTag> {
    const text = this.#text;
    let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
    at = this.#declaration(at);
    let rooted = false;
    while (at < text.length) {
      const next = text.indexOf("<", at);
      const end = next === -1 ? text.length : next;
      if (end > at) this.#checkText(at, end);
      if (next === -1) break;
      const second = text[next + 1];
      if (second === "!" || second === "?") {
        at = this.#other(next);
        continue;
      }
      const tag = second === "/" ? this.#endTag(next) : this.#startTag(next, rooted);
      rooted = true;
      yield tag;
      at = tag.to;
    }
    const [unclosed] = this.#open;
    if (unclosed !== undefined)
      throw invalid(`the XML is not well-formed: <${shown(unclosed.name)}> is not closed`, text, text.length);
    if (!rooted) throw invalid("the XML has no element", text, text.length);
  }

  #declaration(at: number): number {
    if (!/^<\?xml\s/.test(this.#text.slice(at, at + 6))) return at;
    const found = declaration.exec(this.#text.slice(at, at + 200));
    if (found === null) throw this.#bad("the XML declaration is not one of XML 1.0", at);
    return at + found[0].length;
  }

  #startTag(from: number, rooted: boolean): XmlTag {
    const text = this.#text;
    if (this.#open.length === 0 && rooted) throw this.#bad("a second root element", from);
    if (this.#open.length >= this.#limits.maxDepth)
      throw invalid(`the XML is nested too deep: at most ${this.#limits.maxDepth} levels are accepted`, text, from);
    this.#elements += 1;
    this.#limit(this.#elements, this.#limits.maxElements, "elements", from);
    namePattern.lastIndex = from + 1;
    const name = namePattern.exec(text)?.[0];
    if (name === undefined) throw this.#bad("'<' without the name of an element", from);
    const { at, names, declared } = this.#attributesAt(namePattern.lastIndex, from);
    tagEnd.lastIndex = at;
    const end = tagEnd.exec(text);
    if (end === null) throw this.#bad(`the tag of <${shown(name)}> is not well-formed`, at);
    for (const prefix of declared) this.#prefixes.set(prefix, (this.#prefixes.get(prefix) ?? 0) + 1);
    this.#checkPrefix(name, from);
    for (const one of names) if (!one.startsWith("xmlns:")) this.#checkPrefix(one, from);
    const empty = end[1] === "/";
    if (empty) this.#forget(declared);
    else this.#open.push({ name, prefixes: declared });
    return { kind: empty ? "empty" : "start", name, from, to: tagEnd.lastIndex };
  }

  #attributesAt(start: number, tag: number): { at: number; names: ReadonlySet<string>; declared: string[] } {
    const names = new Set<string>();
    const declared: string[] = [];
    let at = start;
    for (;;) {
      attributePattern.lastIndex = at;
      const found = attributePattern.exec(this.#text);
      if (found === null) return { at, names, declared };
      const [, name = "", double, single] = found;
      if (names.has(name)) throw this.#bad(`duplicate attribute ${shown(name)}`, at);
      names.add(name);
      this.#attributes += 1;
      this.#limit(names.size, this.#limits.maxAttributes, "attributes in one element", tag);
      this.#limit(this.#attributes, this.#limits.maxAttributesInAll, "attributes", tag);
      const value = double ?? single ?? "";
      this.#checkReferences(value, at);
      if (name === "xmlns" || name.startsWith("xmlns:")) {
        this.#namespaces += 1;
        this.#limit(this.#namespaces, this.#limits.maxNamespaces, "namespace declarations", tag);
        if (name.length > 6) declared.push(checkedPrefix(name.slice(6), value) ?? this.#badPrefix(name, at));
      }
      at = attributePattern.lastIndex;
    }
  }

  #endTag(from: number): XmlTag {
    const open = this.#open.pop();
    const text = this.#text;
    if (open === undefined) throw this.#bad("an end-tag without its start-tag", from);
    const after = from + 2 + open.name.length;
    tagEnd.lastIndex = after;
    const end = text.startsWith(open.name, from + 2) ? tagEnd.exec(text) : null;
    if (end === null || end[1] === "/") throw this.#bad(`the end-tag of <${shown(open.name)}> is expected here`, from);
    this.#forget(open.prefixes);
    return { kind: "end", name: open.name, from, to: tagEnd.lastIndex };
  }

  /** Comments, CDATA sections and processing instructions; a document type is refused. */
  #other(from: number): number {
    const text = this.#text;
    this.#others += 1;
    this.#limit(this.#others, this.#limits.maxOtherNodes, "comments, sections and instructions", from);
    if (text.startsWith("<!--", from)) {
      const end = text.indexOf("--", from + 4);
      if (end === -1 || text[end + 2] !== ">") throw this.#bad("a comment that does not end properly", from);
      return this.#checkCharacters(from, end + 3);
    }
    if (text.startsWith("<![CDATA[", from) && this.#open.length > 0) {
      const end = text.indexOf("]]>", from);
      if (end === -1) throw this.#bad("a CDATA section that does not end", from);
      return this.#checkCharacters(from, end + 3);
    }
    if (text.startsWith("<?", from)) {
      const end = text.indexOf("?>", from);
      namePattern.lastIndex = from + 2;
      const target = namePattern.exec(text)?.[0];
      if (end === -1 || target === undefined || target.toLowerCase() === "xml")
        throw this.#bad("a processing instruction that is not well-formed", from);
      return this.#checkCharacters(from, end + 2);
    }
    throw invalid("the XML has a document type, which is not taken", text, from);
  }

  #checkText(from: number, to: number): void {
    const part = this.#text.slice(from, to);
    if (this.#open.length === 0 && part.trim() !== "") throw this.#bad("text outside the root element", from);
    if (part.includes("]]>")) throw this.#bad("']]>' in text", from);
    this.#checkReferences(part, from);
  }

  #checkReferences(part: string, from: number): void {
    const wrong = badCharacter.exec(part) ?? (part.includes("&") ? badReference.exec(part) : null);
    if (wrong !== null)
      throw this.#bad(
        part[wrong.index] === "&" ? "'&' that begins no known reference" : "a character that XML does not have",
        from + wrong.index,
      );
    for (const [all, x = "", digits = ""] of part.includes("&#") ? part.matchAll(references) : []) {
      this.#others += 1;
      this.#limit(this.#others, this.#limits.maxOtherNodes, "character references", from);
      const point = Number.parseInt(digits, x === "" ? 10 : 16);
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000) || badCharacter.test(String.fromCodePoint(point)))
        throw this.#bad(`${all} is not a character of XML`, from);
    }
  }

  #checkCharacters(from: number, to: number): number {
    const wrong = badCharacter.exec(this.#text.slice(from, to));
    if (wrong !== null) throw this.#bad("a character that XML does not have", from + wrong.index);
    return to;
  }

  #checkPrefix(name: string, at: number): void {
    const [prefix = "", local, more] = name.split(":");
    if (local === undefined) return;
    if (prefix === "" || local === "" || more !== undefined)
      throw this.#bad(`${shown(name)} is not a qualified name`, at);
    if ((this.#prefixes.get(prefix) ?? 0) === 0) throw this.#bad(`the prefix ${shown(prefix)} is not declared`, at);
  }

  #forget(prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.#prefixes.set(prefix, (this.#prefixes.get(prefix) ?? 1) - 1);
  }

  #limit(count: number, limit: number, what: string, at: number): void {
    if (count > limit) throw invalid(`the XML has more than ${limit} ${what}`, this.#text, at);
  }

  #bad(what: string, at: number): GatewayError {
    return invalid(`the XML is not well-formed: ${what}`, this.#text, at);
  }

  #badPrefix(name: string, at: number): never {
    throw this.#bad(`${shown(name)} declares a reserved prefix, or no namespace`, at);
  }
}

/** @throws target.invalid when the text is not XML within the limits */
export function checkXml(text: string, limits: XmlLimits = treeLimits): void {
  for (const _ of new XmlScanner(text, limits).tags());
}

/** A prefix that may be declared with this namespace; undefined for the reserved ones. */
function checkedPrefix(prefix: string, uri: string): string | undefined {
  if (prefix === "xml") return uri === "http://www.w3.org/XML/1998/namespace" ? prefix : undefined;
  return prefix === "xmlns" || prefix === "" || uri === "" ? undefined : prefix;
}

const shown = (name: string) => (name.length > 60 ? `${name.slice(0, 60)}…` : name);

function invalid(message: string, text: string, offset: number): GatewayError {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return new GatewayError("target.invalid", `${message} (line ${line}, offset ${offset})`, {
    detail: { field: "xml" },
  });
}
