import type { Attr, Element, Node } from "@xmldom/xmldom";
import { GatewayError } from "../../base/gateway-error.ts";
import { keyLike, namesSecret, safeName } from "../../base/key-like.ts";
import { nearest } from "../../base/nearest.ts";
import { serialized } from "./canonical.ts";
import { type ElementRule, eisRule } from "./grammar.ts";
import { children, elements, isElement, nodeKind, parseXml } from "./xml.ts";

/** Something in a document that an EIS may not hold: where, what is said of it, and how it is taken out. */
interface Fault {
  readonly field: string;
  readonly message: string;
  readonly remove: () => void;
}

const declarations = "http://www.w3.org/2000/xmlns/";
/** Attributes that any element may have: `xml:lang`, `xml:space`, `xml:base`; where a schema is. */
const common: Readonly<Record<string, readonly string[]>> = {
  "http://www.w3.org/XML/1998/namespace": ["lang", "space", "base", "id"],
  "http://www.w3.org/2001/XMLSchema-instance": ["schemaLocation", "type", "nil"],
};

/**
 * Refuses an EIS with an element, an attribute or a text that an EIS does not have, by its name, or one in which the
 * free text could be a key. What passes holds keys in `KeyComponents` of the ISD-R and nowhere else.
 * @throws target.invalid naming the element (never a value: it may be a key)
 */
export function refuseForeignContent(eis: Element): void {
  const [fault] = faultsOf(eis);
  if (fault !== undefined)
    throw new GatewayError("target.invalid", `${fault.field}: ${fault.message}`, { detail: { field: fault.field } });
}

/**
 * An EIS as a document without the values of keys, and without comments and instructions that no signature covers. What
 * does not belong in an EIS is taken out; `onFault` is called for each.
 */
export function withoutKeyValues(eis: Element, onFault: (field: string) => void = () => {}): string {
  const copy = parseXml(serialized(eis)).documentElement;
  if (copy === null) return "";
  for (const { field, remove } of faultsOf(copy)) {
    onFault(field);
    remove();
  }
  for (const part of elements(copy)) {
    if (part.localName === "EumSignedInfo") continue;
    if (part.localName === "Isd-r") stripKeys(part);
    dropAsides(part);
  }
  for (const child of children(copy)) if (isAside(child)) copy.removeChild(child);
  return serialized(copy);
}

function stripKeys(domain: Element): void {
  for (const key of elements(domain, "Keyset").flatMap((set) => elements(set, "Key"))) {
    key.removeAttribute("kcv");
    for (const component of elements(key, "KeyComponents")) component.removeAttribute("value");
  }
}

function isAside({ nodeType }: Node): boolean {
  return nodeType === nodeKind.comment || nodeType === nodeKind.instruction;
}

function dropAsides(element: Element): void {
  for (const child of children(element)) {
    if (isAside(child)) element.removeChild(child);
    else if (isElement(child)) dropAsides(child);
  }
}

function faultsOf(eis: Element): Fault[] {
  const faults: Fault[] = [];
  const look: Look = { faults, own: ownDigits(eis) };
  check(eis, eisRule, "", false, look);
  return faults;
}

/** What a walk through a document gathers, and the identities of the card, whose digits are not keys. */
interface Look {
  readonly faults: Fault[];
  readonly own: readonly string[];
}

function ownDigits(eis: Element): string[] {
  const profiles = elements(eis, "ProfileInfo");
  const numbers = profiles.flatMap((profile) =>
    elements(profile, "SubscriptionAddress").flatMap((one) => elements(one)),
  );
  const iccids = profiles.flatMap((profile) => elements(profile, "Iccid"));
  const eids = elements(eis, "EumSignedInfo").flatMap((part) => elements(part, "Eid"));
  return [...eids, ...iccids, ...numbers]
    .map((one) => one.textContent?.trim() ?? "")
    .filter((text) => /^\d+$/.test(text));
}

function check(element: Element, rule: ElementRule, path: string, signed: boolean, look: Look): void {
  const { faults } = look;
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);
  const valid = [...Object.keys(rule.children ?? {}), ...Object.keys(rule.attributes ?? {})];
  checkAttributes(element, rule, at, valid, look);
  let text = "";
  for (const child of children(element)) {
    if (isElement(child)) {
      const name = child.localName ?? "";
      const inner = Object.hasOwn(rule.children ?? {}, name) ? rule.children?.[name] : undefined;
      if (inner === undefined)
        faults.push({
          field: at(safeName(child.tagName)),
          message: unknown("element", name, valid),
          remove: () => void element.removeChild(child),
        });
      else check(child, inner, at(name), signed || name === "EumSignedInfo", look);
    } else if (isAside(child)) {
      if (signed && keyLike(`${child.nodeName} ${child.nodeValue ?? ""}`) !== undefined)
        faults.push({
          field: at("comment"),
          message: "could be a key; what is signed is kept as it came",
          remove: () => void element.removeChild(child),
        });
    } else text += child.nodeValue ?? "";
  }
  checkText(element, rule, text.trim(), path, look);
}

function checkText(element: Element, rule: ElementRule, text: string, path: string, { faults, own }: Look): void {
  const remove = () => {
    for (const child of children(element)) if (!isElement(child)) element.removeChild(child);
  };
  if (rule.text === undefined) {
    if (text !== "")
      faults.push({ field: path === "" ? "Eis" : path, message: "contains text; only elements are allowed", remove });
    return;
  }
  const why = !rule.text.test(text)
    ? "has a value of another form than the schema requires"
    : rule.chosen === true
      ? chosenFault(text, own)
      : undefined;
  if (why !== undefined) faults.push({ field: path, message: why, remove });
}

function checkAttributes(
  element: Element,
  rule: ElementRule,
  at: (name: string) => string,
  valid: readonly string[],
  look: Look,
): void {
  const { faults } = look;
  for (const attribute of attributesOf(element)) {
    const { namespaceURI, name, value } = attribute;
    const remove = () => void element.removeAttributeNode(attribute);
    const local = attribute.localName ?? name;
    if (namespaceURI === declarations) {
      if (keyLike(value) !== undefined) faults.push({ field: at("xmlns"), message: "could be a key", remove });
      continue;
    }
    if (common[namespaceURI ?? ""]?.includes(local)) {
      if (keyLike(value) !== undefined) faults.push({ field: at(name), message: "could be a key", remove });
      continue;
    }
    const none = namespaceURI === null || namespaceURI === "";
    const pattern = none && Object.hasOwn(rule.attributes ?? {}, name) ? rule.attributes?.[name] : undefined;
    if (pattern === undefined && rule.others === true && harmless(name, value)) continue;
    if (pattern === undefined) {
      faults.push({ field: at(safeName(name)), message: unknown("attribute", local, valid), remove });
      continue;
    }
    const why = pattern.test(value) ? undefined : "has a value of another form than the schema requires";
    if (why !== undefined) faults.push({ field: at(name), message: why, remove });
  }
  if (element.localName === "Property") checkProperty(element, at, look);
}

function harmless(name: string, value: string): boolean {
  return !namesSecret(name) && safeName(name) === name && value.length <= 100 && keyLike(value) === undefined;
}

function checkProperty(element: Element, at: (name: string) => string, { faults, own }: Look): void {
  const name = element.getAttribute("key") ?? "";
  const why = namesSecret(name) ? "has the name of a secret, which is not stored here" : undefined;
  const fault =
    why ??
    (safeName(name) === name ? undefined : "its name could be a key") ??
    chosenFault(element.getAttribute("value") ?? "", own);
  if (fault === undefined) return;
  const remove = () => void element.parentNode?.removeChild(element);
  faults.push({ field: at(safeName(name)), message: fault, remove });
}

const oid = /^[0-2](\.(0|[1-9]\d*))+$/;

function chosenFault(text: string, own: readonly string[]): string | undefined {
  const what = oid.test(text) ? undefined : keyLike(text, own);
  return what === undefined ? undefined : `has ${what}, which could be a key; this is stored and shown in clear`;
}

function unknown(what: "element" | "attribute", name: string, valid: readonly string[]): string {
  const hint = safeName(name) === name ? nearest(name, valid) : undefined;
  if (hint !== undefined && hint !== name) return `unknown ${what}; did you mean '${hint}'?`;
  return valid.length === 0
    ? `unknown ${what}; none is allowed here`
    : `unknown ${what}; known are ${valid.join(", ")}`;
}

function attributesOf(element: Element): Attr[] {
  return Array.from({ length: element.attributes.length }, (_, index) => element.attributes.item(index)).flatMap(
    (attribute) => (attribute === null ? [] : [attribute]),
  );
}
