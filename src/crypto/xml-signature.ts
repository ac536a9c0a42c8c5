import { createHash, type KeyObject, verify, X509Certificate } from "node:crypto";
import type { Element } from "@xmldom/xmldom";
import { GatewayError } from "../base/gateway-error.ts";
import { type Canonicalisation, canonical, canonicalisations } from "../codec/eis/canonical.ts";
import { elements, textOf } from "../codec/eis/xml.ts";

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
 * Verifies that `signature` (ds:Signature) signs `signed`, and that alone. A reference that points elsewhere is refused: what
 * is read and what is signed must be the same element. W3C xmldsig-core §3.2
 * @throws crypto.signature saying what is wrong
 */
export function verifyXmlSignature(signature: Element, signed: Element, key: KeyObject): void {
  const info = one(signature, "SignedInfo");
  const references = elements(info, "Reference");
  const [reference] = references;
  if (reference === undefined || references.length > 1) throw wrong("the signature has not one reference");
  checkReference(reference, signature, signed);
  const method = algorithmOf(one(info, "SignatureMethod"));
  const algorithm = signatures[method];
  if (algorithm === undefined) throw wrong(`the signature method ${method} is not taken`);
  if (key.asymmetricKeyType !== algorithm.type)
    throw wrong(`the signature is ${algorithm.type}, the certificate's key ${key.asymmetricKeyType ?? "unknown"}`);
  const text = canonical(info, canonicalisationOf(one(info, "CanonicalizationMethod")));
  const value = base64Of(signature, "SignatureValue");
  const options = algorithm.type === "ec" ? { key, dsaEncoding: "ieee-p1363" as const } : { key };
  if (!verify(algorithm.hash, Buffer.from(text, "utf8"), options, value))
    throw wrong("the signature does not fit the certificate's key");
}

function checkReference(reference: Element, signature: Element, signed: Element): void {
  const uri = reference.getAttribute("URI") ?? "";
  const ids = ["Id", "ID", "id"].flatMap((name) => signed.getAttribute(name) ?? []);
  if (uri !== "" && !ids.some((id) => uri === `#${id}`)) throw wrong(`the signature is over '${uri}'`);
  let how: Canonicalisation = { exclusive: false, comments: false };
  let without: Element | undefined;
  for (const transform of elements(one(reference, "Transforms"), "Transform")) {
    if (algorithmOf(transform) === enveloped) without = signature;
    else how = canonicalisationOf(transform);
  }
  const method = algorithmOf(one(reference, "DigestMethod"));
  const hash = digests[method];
  if (hash === undefined) throw wrong(`the digest method ${method} is not taken`);
  const digest = createHash(hash)
    .update(canonical(signed, how, without), "utf8")
    .digest();
  if (!digest.equals(base64Of(reference, "DigestValue"))) throw wrong("what is signed was changed");
}

function canonicalisationOf(method: Element): Canonicalisation {
  const name = algorithmOf(method);
  const found = canonicalisations[name];
  if (found === undefined) throw wrong(`the transform ${name} is not taken`);
  const list = elements(method, "InclusiveNamespaces")[0]?.getAttribute("PrefixList");
  return list === undefined || list === null || !found.exclusive
    ? found
    : { ...found, inclusivePrefixes: list.split(/\s+/).filter(Boolean) };
}

/** Certificates that a signature brings along, in their order. */
export function signatureCertificates(signature: Element): X509Certificate[] {
  return elements(signature, "KeyInfo")
    .flatMap((info) => elements(info, "X509Data"))
    .flatMap((data) => elements(data, "X509Certificate"))
    .flatMap((certificate) => {
      try {
        return [new X509Certificate(Buffer.from(certificate.textContent ?? "", "base64"))];
      } catch {
        return [];
      }
    });
}

function one(parent: Element, name: string): Element {
  const [found] = elements(parent, name);
  if (found === undefined) throw wrong(`${name} is missing`);
  return found;
}

function algorithmOf(method: Element): string {
  return method.getAttribute("Algorithm") ?? "";
}

function base64Of(parent: Element, name: string): Buffer {
  return Buffer.from(textOf(parent, name) ?? "", "base64");
}

function wrong(message: string): GatewayError {
  return new GatewayError("crypto.signature", message);
}
