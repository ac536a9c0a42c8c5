import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { refuseForeignContent, withoutKeyValues } from "../../../src/codec/eis/content.ts";
import { eisElement } from "../../../src/codec/eis/read.ts";

const vector = (name: string) => readFileSync(`${packageRoot}/test/vectors/eis/${name}`, "utf8");
const text = vector("ecdsa.xml");
const secret = "A1B2C3D4E5F60718293A4B5C6D7E8F90";

const refusal = (document: string) => {
  try {
    refuseForeignContent(eisElement(document));
  } catch (error) {
    return Object(error);
  }
  return { code: "none", message: "", detail: {} };
};
const into = (place: RegExp, what: string) => text.replace(place, (all) => `${what}${all}`);
const component = '<rps3:KeyComponents value="000102030405060708090A0B0C0D0E0F" type="88"/>';

describe("what an EIS in XML may hold", () => {
  it.each(["ecdsa.xml", "rsa.xml"])("%s has nothing else", (name) => {
    expect(refusal(vector(name))).toMatchObject({ code: "none" });
  });

  it.each([
    [
      "KeyComponent in KeyComponents",
      text.replace(
        component,
        `<rps3:KeyComponents type="88"><rps3:KeyComponent value="${secret}"/></rps3:KeyComponents>`,
      ),
      "Isd-r.Keyset.Key.KeyComponents.rps3:KeyComponent",
    ],
    ["Value in Key", text.replace(component, `<rps3:Value>${secret}</rps3:Value>`), "Isd-r.Keyset.Key.rps3:Value"],
    ["text in Key", text.replace(component, secret), "Isd-r.Keyset.Key"],
    [
      "text in KeyComponents",
      text.replace(component, `<rps3:KeyComponents type="88">${secret}</rps3:KeyComponents>`),
      "Isd-r.Keyset.Key.KeyComponents",
    ],
    ["CDATA", text.replace(component, `<![CDATA[${secret}]]>`), "Isd-r.Keyset.Key"],
    [
      "an attribute of another namespace",
      text.replace(component, `<rps3:KeyComponents type="88" xmlns:n="urn:n" n:value="${secret}"/>`),
      "Isd-r.Keyset.Key.KeyComponents.n:value",
    ],
    [
      "an attribute in capitals",
      text.replace(component, `<rps3:KeyComponents type="88" Value="${secret}"/>`),
      "Isd-r.Keyset.Key.KeyComponents.Value",
    ],
    ["an attribute elsewhere", text.replace("<rps3:Isd-r>", `<rps3:Isd-r psk="${secret}">`), "Isd-r.psk"],
    [
      "an element of another namespace",
      into(/<rps3:RemainingMemory>/, `<x:Keys xmlns:x="urn:x">${secret}</x:Keys>`),
      "x:Keys",
    ],
    ["a misspelt element", text.replaceAll("rps3:Keyset", "rps3:KeySet"), "Ecasd"],
    [
      "a secret in what is signed",
      into(/<rps3:EuiccCapabilities>/, `<rps3:PrivateKey>${secret}</rps3:PrivateKey>`),
      "EumSignedInfo.rps3:PrivateKey",
    ],
    [
      "a private key in the ECASD",
      into(
        /<rps3:Certificate>/,
        `<rps3:Key><rps3:Index>1</rps3:Index><rps3:KeyComponents type="B1" value="${secret}"/></rps3:Key>`,
      ),
      "EumSignedInfo.Ecasd.Keyset.Key.KeyComponents.type",
    ],
    [
      "a property named like a secret",
      text.replace('key="urn:example:lab" value="rack 1"', 'key="Ki" value="x"'),
      "AdditionalProperties.Property.Ki",
    ],
    [
      "a property that is a key",
      text.replace('value="rack 1"', `value="${secret}"`),
      "AdditionalProperties.Property.urn:example:lab",
    ],
    ["a comment in what is signed", text.replace("comments are not signed", secret), "EumSignedInfo.comment"],
    ["an instruction in what is signed", into(/<rps3:EuiccCapabilities>/, `<?ki ${secret}?>`), "EumSignedInfo.comment"],
    ["a free text", text.replace("Test &lt;platform&gt;", secret), "EumSignedInfo.PlatformType"],
    ["a namespace", text.replace('xmlns:unused="urn:unused"', `xmlns:unused="urn:${secret}"`), "xmlns"],
  ])("%s is refused by its name, and never quoted", (_name, document, field) => {
    const { code, message, detail } = refusal(document);
    expect(code).toBe("target.invalid");
    expect(String(detail.field)).toMatch(
      new RegExp(`^${field === "Ecasd" ? "EumSignedInfo.Ecasd.rps3:KeySet" : field.replaceAll(".", "\\.")}$`),
    );
    expect(message).not.toContain(secret);
  });

  it("the correct name is suggested for a misspelled element", () => {
    expect(refusal(text.replaceAll("rps3:Isd-r>", "rps3:Isd-R>")).message).toContain("did you mean 'Isd-r'?");
  });

  it("is kept without keys, check values, comments and instructions outside what is signed", () => {
    const kept = withoutKeyValues(
      eisElement(text.replace("<rps3:RemainingMemory>", `<!-- ${secret} --><?k ${secret}?><rps3:RemainingMemory>`)),
    );
    for (const gone of [
      secret,
      "000102030405060708090A0B0C0D0E0F",
      "8B92C56CBE21F5F5795ACC5E7FC5318D",
      "kcv",
      "C35280",
    ])
      expect(kept).not.toContain(gone);
    expect(kept).toContain("comments are not signed");
  });

  it("is cleaned of what does not belong in it, and each removed element is named", () => {
    const found: string[] = [];
    const document = text
      .replace(component, `<rps3:Value>${secret}</rps3:Value>`)
      .replace('value="rack 1"', `value="${secret}"`)
      .replace("<rps3:Isd-r>", `<rps3:Isd-r psk="${secret}">`);
    expect(withoutKeyValues(eisElement(document), (field) => found.push(field))).not.toContain(secret);
    expect(found.sort()).toEqual([
      "AdditionalProperties.Property.urn:example:lab",
      "Isd-r.Keyset.Key.rps3:Value",
      "Isd-r.psk",
    ]);
  });
});
