import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { eisElement } from "../../src/codec/eis/read.ts";
import { elements } from "../../src/codec/eis/xml.ts";
import { verifyXmlSignature } from "../../src/crypto/xml-signature.ts";
import { c14n, ecKeys, eisXml, signatureTemplate, signed } from "./eis-lab.ts";

const hasXmlsec = spawnSync("xmlsec1", ["--version"]).status === 0;
if (!hasXmlsec)
  console.info("without xmlsec1 canonical forms are compared with nobody else's (apt-get install xmlsec1)");

const folder = mkdtempSync(join(tmpdir(), "otagate-xmlsec-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const keys = ecKeys();
const [secret, open] = [join(folder, "key.pem"), join(folder, "pub.pem")];
writeFileSync(secret, keys.privateKey.export({ type: "pkcs8", format: "pem" }));
writeFileSync(open, keys.publicKey.export({ type: "spki", format: "pem" }));

function xmlsec(action: "--sign" | "--verify", text: string): string {
  const [input, output] = [join(folder, "in.xml"), join(folder, "out.xml")];
  writeFileSync(input, text);
  const key = action === "--sign" ? ["--privkey-pem", secret, "--output", output] : ["--pubkey-pem", open];
  const done = spawnSync("xmlsec1", [action, ...key, "--id-attr:Id", "EumSignedInfo", input], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return action === "--sign" ? readFileSync(output, "utf8") : "";
}

function verify(text: string): void {
  const eis = eisElement(text);
  const [info] = elements(eis, "EumSignedInfo");
  const [signature] = elements(eis, "EumSignature").flatMap((holder) => elements(holder, "Signature"));
  if (info === undefined || signature === undefined) throw new Error("no signature");
  verifyXmlSignature(signature, info, keys.publicKey);
}

const ecasd = "7F2100";
const transform = (uri: string, inner = "") => `<ds:Transform Algorithm="${uri}">${inner}</ds:Transform>`;
const prefixes = (list: string) =>
  `<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="${list}"/>`;
const odd =
  '<!-- a comment --><?pi some  data?><a:x xmlns:a="urn:a" xmlns:b="urn:b" b:z="1" a:y="2" c=" &#10;&#9;&quot;&lt; "><b:n xmlns:b="urn:b2"/>' +
  '<![CDATA[<&>]]>&#13;é</a:x><p xmlns="urn:default"><q xmlns=""><r/></q></p>';
const xmlAttributes = 'xml:lang="en" xml:space="preserve" xml:base="http://example.com/a/b/"';

/** Each: root attributes, attributes of what is signed, markup in it. */
const documents: readonly [string, { root?: string; signedAttributes?: string; inside?: string }][] = [
  ["plain", {}],
  ["odd markup", { inside: odd }],
  ["xml: attributes around", { root: xmlAttributes }],
  ["xml:lang of its own", { root: xmlAttributes, signedAttributes: 'xml:lang="fr"' }],
  ["xml:base of its own", { root: xmlAttributes, signedAttributes: 'xml:base="../c/"' }],
  ["xml:base relative to relative", { root: 'xml:base="x/y/"', signedAttributes: 'xml:base="z"' }],
  ["a default namespace around", { root: 'xmlns="urn:default"', inside: odd }],
];
const methods = Object.entries(c14n);
const cases = documents.flatMap(([document, parts]) => methods.map(([name, uri]) => ({ document, parts, name, uri })));

describe.skipIf(!hasXmlsec)("signatures over an EIS, against xmlsec1", () => {
  it.each(cases)("$document, canonical XML $name: each verifies what the other signs", ({ parts, uri }) => {
    const template = eisXml({
      ecasd,
      ...parts,
      signature: signatureTemplate({ method: uri, transforms: transform(uri) }),
    });
    verify(xmlsec("--sign", template));
    xmlsec("--verify", signed(template, keys.privateKey, { transform: uri }));
  });

  it.each([
    ["a comment by xpointer", "URI=\"#xpointer(id('eum'))\"", c14n["1.0 with comments"], { comments: true }],
    ["a comment by bare name", 'URI="#eum"', c14n["1.0 with comments"], {}],
    ["the whole document", 'URI=""', c14n["1.0"], { whole: true }],
    ["the whole document, exclusively", 'URI=""', c14n["exclusive with comments"], { whole: true }],
  ])("%s", (_name, uri, method, how) => {
    const enveloped = transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature");
    const transforms = `${"whole" in how ? enveloped : ""}${transform(method)}`;
    const body = eisXml({ ecasd, inside: odd, root: xmlAttributes, signature: signatureTemplate({ uri, transforms }) });
    const template = `<?xml version="1.0"?>\n<?before it?>\n<!-- c -->${body}\n<?after it?>`;
    verify(xmlsec("--sign", template));
    xmlsec("--verify", signed(template, keys.privateKey, { transform: method, ...how }));
  });

  it.each(["unused", "#default unused", "a b #default", ""])("prefixes '%s' treated inclusively", (list) => {
    const transforms = transform(c14n.exclusive, prefixes(list));
    const template = eisXml({
      ecasd,
      inside: odd,
      root: 'xmlns="urn:default"',
      signature: signatureTemplate({ transforms }),
    });
    verify(xmlsec("--sign", template));
  });

  it("no transform at all is canonical XML 1.0", () => {
    const template = eisXml({ ecasd, root: xmlAttributes, signature: signatureTemplate({ transforms: "" }) });
    verify(xmlsec("--sign", template));
  });
});

describe("a signature over an EIS", () => {
  const template = eisXml({ ecasd, inside: odd, signature: signatureTemplate() });
  const good = signed(template, keys.privateKey, { transform: c14n.exclusive });

  it("holds as it was made", () => expect(() => verify(good)).not.toThrow());

  it.each<[string, (text: string) => string]>([
    ["a second element with the identifier", (text) => text.replace("<r:Isd-r>", '<r:Isd-r Id="eum">')],
    ["the identifier in another spelling elsewhere", (text) => text.replace("<r:Isd-r>", '<r:Isd-r xml:id="eum">')],
    ["two references", (text) => text.replace(/<ds:Reference .*<\/ds:Reference>/, "$&$&")],
    ["two signature values", (text) => text.replace(/<ds:SignatureValue>.*<\/ds:SignatureValue>/, "$&$&")],
    ["two of SignedInfo", (text) => text.replace(/<ds:SignedInfo>.*<\/ds:SignedInfo>/, "$&$&")],
    ["another namespace", (text) => text.replace("2000/09/xmldsig#", "2000/09/xmldsig-like#")],
    ["a transform after the canonicalisation", (text) => text.replace(/<ds:Transform .*?\/>/, "$&$&")],
    [
      "XPath",
      (text) =>
        text.replace(
          /<ds:Transform .*?\/>/,
          '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>',
        ),
    ],
    ["no reference", (text) => text.replace(/<ds:Reference .*<\/ds:Reference>/, "")],
    ["a reference to a file", (text) => text.replace('URI="#eum"', 'URI="file:///etc/passwd"')],
    ["a reference to all", (text) => text.replace('URI="#eum"', 'URI=""')],
    ["a DER signature value", (text) => text.replace(/<ds:SignatureValue>/, "$&MEUC")],
  ])("does not hold with %s", (_name, change) => {
    expect(change(good)).not.toBe(good);
    expect(() => verify(change(good))).toThrow(expect.objectContaining({ code: "crypto.signature" }));
  });
});
