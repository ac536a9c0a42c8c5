import { createHash, type KeyObject, verify, X509Certificate } from "node:crypto";
import type { Element } from "@xmldom/xmldom";
import { withoutUndefined } from "../base/defined.ts";
import { GatewayError } from "../base/gateway-error.ts";
import { type Canonicalisation, canonical, canonicalDocument, canonicalisations } from "../codec/eis/canonical.ts";
import { elements } from "../codec/eis/xml.ts";

const namespace = "http://www.w3.org/2000/09/xmldsig#";
const enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const digests: Readonly<Record<string, string>> = {
  "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
  "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
  "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
};
const signatures: Readonly<Record<string, { readonly hash: string; readonly type: "rsa" | "ec" }>> = {
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": { hash: "sha256", type: "rsa" },
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": { hash: "sha384", type: "rsa" },
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": { hash: "sha512", type: "rsa" },
  "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": { hash: "sha256", type: "ec" },
  "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": { hash: "sha384", type: "ec" },
  "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": { hash: "sha512", type: "ec" },
};

/**
 * Verifies that `signature` (ds:Signature, or an element of its type) signs `signed`. The reference must lead to
 * exactly that element, or to the whole document around it: the data that are read and those that are signed must be
 * the same. W3C xmldsig-core §3.2, §4.4.3 @throws crypto.signature with the reason
 */
export function verifyXmlSignature(signature: Element, signed: Element, key: KeyObject): void {
  const info = one(signature, "SignedInfo");
  checkReference(one(info, "Reference"), signature, signed);
  const method = algorithmOf(one(info, "SignatureMethod"));
  const algorithm = signatures[method];
  if (algorithm === undefined) throw wrong(`the signature method ${shown(method)} is not supported`);
  if (key.asymmetricKeyType !== algorithm.type)
    throw wrong(`the signature is ${algorithm.type}, the certificate's key ${key.asymmetricKeyType ?? "unknown"}`);
  const text = canonical(info, canonicalisationOf(one(info, "CanonicalizationMethod")));
  const value = base64Of(signature, "SignatureValue");
  const options = algorithm.type === "ec" ? { key, dsaEncoding: "ieee-p1363" as const } : { key };
  if (!verify(algorithm.hash, Buffer.from(text, "utf8"), options, value))
    throw wrong("the signature does not match the certificate's key");
}

function checkReference(reference: Element, signature: Element, signed: Element): void {
  const { whole, comments } = pointer(reference, signed);
  const { how, without } = transformed(reference, signature);
  const method = algorithmOf(one(reference, "DigestMethod"));
  const hash = digests[method];
  if (hash === undefined) throw wrong(`the digest method ${shown(method)} is not supported`);
  // A reference by bare name, or to the document, omits comments before any transform.
  const form = comments ? how : { ...how, comments: false };
  const document = signed.ownerDocument;
  if (whole && document === null) throw wrong("the reference is to a document that does not exist");
  const text =
    whole && document !== null ? canonicalDocument(document, form, without) : canonical(signed, form, without);
  const digest = createHash(hash).update(text, "utf8").digest();
  if (!digest.equals(base64Of(reference, "DigestValue"))) throw wrong("the signed content was changed");
}

/** Where a reference leads: to `signed` or to the document around it, or it is refused. W3C xmldsig-core §4.4.3.2 */
function pointer(reference: Element, signed: Element): { whole: boolean; comments: boolean } {
  const uri = reference.getAttribute("URI");
  // Without a URI the application defines the signed data. SGP.02: EumSignedInfo.
  if (uri === null) return { whole: false, comments: false };
  if (uri === "") return { whole: true, comments: false };
  if (uri === "#xpointer(/)") return { whole: true, comments: true };
  const [, quoted] =
    /^#xpointer\(id\((?:'([^']*)'|"([^"]*)")\)\)$/.exec(uri)?.filter((part) => part !== undefined) ?? [];
  const id = quoted ?? (uri.startsWith("#") && !uri.includes("(") ? uri.slice(1) : undefined);
  if (id === undefined || !idsOf(signed).includes(id))
    throw wrong(`the signature covers '${shown(uri)}' instead of this element`);
  if (holdersOf(id, signed) !== 1) throw wrong(`more than one element has the identifier '${shown(id)}'`);
  return { whole: false, comments: quoted !== undefined };
}

function transformed(reference: Element, signature: Element): { how: Canonicalisation; without?: Element } {
  const [list, second] = dsElements(reference, "Transforms");
  if (second !== undefined) throw wrong("there is more than one Transforms");
  let how: Canonicalisation | undefined;
  let without: Element | undefined;
  for (const transform of list === undefined ? [] : dsElements(list, "Transform")) {
    // A canonicalization turns nodes into octets, so no transform on nodes can follow it.
    if (how !== undefined) throw wrong("a transform follows the canonicalisation");
    if (algorithmOf(transform) === enveloped) without = signature;
    else how = canonicalisationOf(transform);
  }
  return { how: how ?? { exclusive: false, comments: false }, ...withoutUndefined({ without }) };
}

const idNames = ["Id", "ID", "id", "xml:id"];

function idsOf(element: Element): string[] {
  return idNames.flatMap((name) => element.getAttribute(name) ?? []);
}

/** The number of elements of the document with this identifier. */
function holdersOf(id: string, element: Element): number {
  let found = 0;
  const open: Element[] = [element.ownerDocument?.documentElement ?? element];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (idsOf(next).includes(id)) found += 1;
    open.push(...elements(next));
  }
  return found;
}

function canonicalisationOf(method: Element): Canonicalisation {
  const name = algorithmOf(method);
  const found = canonicalisations[name];
  if (found === undefined) throw wrong(`the transform ${shown(name)} is not supported`);
  const list = elements(method, "InclusiveNamespaces")[0]?.getAttribute("PrefixList");
  return list === undefined || list === null || !found.exclusive
    ? found
    : { ...found, inclusivePrefixes: list.split(/\s+/).filter(Boolean) };
}

/** Certificates in a signature, in their order. */
export function signatureCertificates(signature: Element): X509Certificate[] {
  return dsElements(signature, "KeyInfo")
    .flatMap((info) => dsElements(info, "X509Data"))
    .flatMap((data) => dsElements(data, "X509Certificate"))
    .slice(0, 8)
    .flatMap((certificate) => {
      try {
        return [new X509Certificate(Buffer.from(certificate.textContent ?? "", "base64"))];
      } catch {
        return [];
      }
    });
}

/** The one child of this name in the namespace of XML signatures. */
function one(parent: Element, name: string): Element {
  const [found, second] = dsElements(parent, name);
  if (found === undefined) throw wrong(`${name} is missing`);
  if (second !== undefined) throw wrong(`there is more than one ${name}`);
  return found;
}

/** Children of this name in the namespace of XML signatures. */
export function dsElements(parent: Element, name: string): Element[] {
  return elements(parent, name).filter((child) => child.namespaceURI === namespace);
}

function algorithmOf(method: Element): string {
  return method.getAttribute("Algorithm") ?? "";
}

function base64Of(parent: Element, name: string): Buffer {
  return Buffer.from(one(parent, name).textContent ?? "", "base64");
}

const shown = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text);

function wrong(message: string): GatewayError {
  return new GatewayError("crypto.signature", message);
}
