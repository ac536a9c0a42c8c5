import { describe, expect, it } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import { eisElement } from "../../src/codec/eis/read.ts";
import { checkEisTrust, type TrustAnchors, unproved } from "../../src/crypto/eis-trust.ts";
import {
  basicConstraints,
  type CertificateOptions,
  c14n,
  certificate,
  ecasdCertificate,
  ecKeys,
  eid,
  eisXml,
  extension,
  keyUsage,
  signatureTemplate,
  signed,
} from "./eis-lab.ts";

const [ciKeys, eumKeys] = [ecKeys(), ecKeys()];
const ciOf = (more: Partial<CertificateOptions> = {}, keys = ciKeys) =>
  certificate({ subject: "CI", issuer: "CI", key: keys.publicKey, by: keys.privateKey, ...more });
const eumOf = (more: Partial<CertificateOptions> = {}, keys = eumKeys) =>
  certificate({ subject: "EUM", issuer: "CI", key: keys.publicKey, by: ciKeys.privateKey, ...more });
const [ci, eum] = [ciOf(), eumOf()];
const ecasd = ecasdCertificate(eumKeys.privateKey);

function eisOf(ecasdHex = ecasd, keys = eumKeys): string {
  const template = eisXml({ ecasd: ecasdHex, signature: signatureTemplate({ certificate: eum }) });
  return signed(template, keys.privateKey, { transform: c14n.exclusive });
}

function check(anchors: TrustAnchors, ecasdHex = ecasd, text = eisOf(ecasdHex)) {
  const trust = checkEisTrust({ eid, element: eisElement(text), ecasd: fromHex(ecasdHex) }, anchors);
  return { trust, refused: unproved(trust, anchors).map(({ what, why }) => `${what}: ${why}`) };
}

describe("the certificates behind an EIS", () => {
  it("hold when nothing is wrong, with either or both given", () => {
    for (const anchors of [{ ci, eum }, { ci }, { eum }]) expect(check(anchors).refused).toEqual([]);
  });

  const policy = extension("551D20", true, Buffer.from("3006300406022A03", "hex"));
  it.each<[string, Partial<CertificateOptions>]>([
    [
      "non-critical extensions of its own",
      {
        extensions: [basicConstraints(true, 0), keyUsage(0x84), extension("2A0304", false, Buffer.from("0500", "hex"))],
      },
    ],
    ["a critical policy", { extensions: [basicConstraints(true, 0), keyUsage(0x84), policy] }],
    ["no key usage", { extensions: [basicConstraints(true)] }],
    ["keyCertSign and cRLSign", { extensions: [basicConstraints(true), keyUsage(0x06)] }],
  ])("hold for an EUM certificate with %s", (_name, more) => {
    expect(check({ ci, eum: eumOf(more) }).refused).toEqual([]);
  });

  it.each<[string, Partial<CertificateOptions>, string]>([
    ["no CA", { extensions: [basicConstraints(false), keyUsage(0x84)] }, "is not a CA certificate"],
    ["without basic constraints", { extensions: [keyUsage(0x84)] }, "is not a CA certificate"],
    ["of version 1", { version1: true }, "version 1"],
    [
      "that may not sign certificates",
      { extensions: [basicConstraints(true), keyUsage(0x80)] },
      "may not sign certificates",
    ],
    [
      "with an unknown critical extension",
      { extensions: [basicConstraints(true), keyUsage(0x84), extension("2A0304", true, Buffer.from("0500", "hex"))] },
      "critical extension 1.2.3.4",
    ],
    [
      "with name constraints, which nothing here checks",
      { extensions: [basicConstraints(true), keyUsage(0x84), extension("551D1E", true, Buffer.from("3000", "hex"))] },
      "critical extension 2.5.29.30",
    ],
    [
      "with an extension twice",
      { extensions: [basicConstraints(true), basicConstraints(true), keyUsage(0x84)] },
      "twice",
    ],
    ["that is over", { to: 2021 }, "expired"],
    ["that has not begun", { from: 2080 }, "valid only from"],
    ["of another issuer", { issuer: "Other" }, "not by this CI"],
    ["that the CI did not sign", { by: eumKeys.privateKey }, "is wrong"],
    ["signed with SHA-1", { algorithm: Buffer.from("300906072A8648CE3D0401", "hex") }, "1.2.840.10045.4.1"],
  ])("do not hold for an EUM certificate %s", (_name, more, why) => {
    const { refused } = check({ ci, eum: eumOf(more) });
    expect(refused).toEqual([expect.stringMatching(/^eum-by-ci: /)]);
    expect(refused.join()).toContain(why);
  });

  it("do not hold for a manufacturer's key of a curve that eUICCs do not have", () => {
    const odd = ecKeys("secp256k1");
    const card = ecasdCertificate(odd.privateKey);
    const { refused } = check({ ci, eum: eumOf({}, odd) }, card, eisOf(card, odd));
    expect(refused).toEqual([expect.stringContaining("curve 1.3.132.0.10")]);
  });

  it.each<[string, Partial<CertificateOptions>, string]>([
    ["allows no CA below it", { extensions: [basicConstraints(true, 0), keyUsage(0x06)] }, "path length"],
    ["is no CA", { extensions: [basicConstraints(false), keyUsage(0x06)] }, "is not a CA"],
    ["may not sign certificates", { extensions: [basicConstraints(true), keyUsage(0x80)] }, "may not sign"],
    ["is over", { to: 2021 }, "expired"],
    ["is another of the same name", { key: eumKeys.publicKey }, "is wrong"],
  ])("do not hold for a CI that %s", (_name, more, why) => {
    expect(check({ ci: ciOf(more), eum }).refused).toEqual([expect.stringContaining(why)]);
  });

  it("hold for a CI that allows one CA below it", () => {
    const allowing = ciOf({ extensions: [basicConstraints(true, 1), keyUsage(0x06)] });
    expect(check({ ci: allowing, eum }).refused).toEqual([]);
  });

  it.each([
    [
      "another eUICC's",
      ecasdCertificate(eumKeys.privateKey, { subject: "89001012012341234012345678901232" }),
      "belongs to 89001012012341234012345678901232",
    ],
    ["one for signatures", ecasdCertificate(eumKeys.privateKey, { usage: "88" }), "key usage 88"],
    ["one that is over", ecasdCertificate(eumKeys.privateKey, { to: "20210101" }), "expired 2021-01-01"],
    ["one without a date", ecasdCertificate(eumKeys.privateKey, { to: "20211399" }), "expiration date"],
    ["one of another manufacturer", ecasdCertificate(ciKeys.privateKey), "is wrong"],
    ["none that can be read", "7F2103930101", "cannot be read"],
  ])("do not hold when the ECASD's certificate is %s", (_name, card, why) => {
    const { refused } = check({ ci, eum }, card);
    expect(refused).toEqual([expect.stringMatching(/^ecasd-by-eum: /)]);
    expect(refused.join()).toContain(why);
  });

  it("take a subject written in ASCII digits for the same EID", () => {
    const card = ecasdCertificate(eumKeys.privateKey, { subject: Buffer.from(eid).toString("hex") });
    expect(check({ ci, eum }, card).refused).toEqual([]);
  });

  const text = eisOf();
  const signature = /<r:EumSignature>.*<\/r:EumSignature>/s.exec(text)?.[0] ?? "";
  const info = /<r:EumSignedInfo.*<\/r:EumSignedInfo>/s.exec(text)?.[0] ?? "";
  const forged = info.replace("1.3.6.1.4.1.9999.3", "6.6.6");
  it.each<[string, string]>([
    ["is missing", text.replace(signature, "")],
    ["is renamed", text.replaceAll("EumSignature", "EumSignatur")],
    ["is renamed inside", text.replaceAll("ds:Signature>", "ds:Sig>").replaceAll("ds:Signature xmlns", "ds:Sig xmlns")],
    ["is in another namespace", text.replace("2000/09/xmldsig#", "2000/09/mine#")],
    ["is there twice", text.replace(signature, signature + signature)],
    ["is there twice in one element", text.replace(/<ds:Signature .*<\/ds:Signature>/s, "$&$&")],
    ["is empty", text.replace(signature, "<r:EumSignature/>")],
    [
      "signs what was moved away, forged in its place",
      text
        .replace(info, forged.replace('Id="eum"', 'Id="x"'))
        .replace("<r:Isd-r>", `<r:AdditionalProperties>${info}</r:AdditionalProperties>$&`),
    ],
    [
      "signs what was moved away, forged with the same identifier",
      text.replace(info, forged).replace("<r:Isd-r>", `<r:AdditionalProperties>${info}</r:AdditionalProperties>$&`),
    ],
    ["signs the second of two", text.replace(info, forged + info)],
    ["signs the first of two", text.replace(info, info + forged)],
    [
      "holds what it signs",
      text.replace(info, forged.replace('Id="eum"', "")).replace("<ds:KeyInfo>", `<ds:Object>${info}</ds:Object>$&`),
    ],
  ])("are refused when the signature %s", (_name, changed) => {
    expect(changed).not.toBe(text);
    for (const anchors of [{ ci, eum }, { eum }, { ci }])
      expect(check(anchors, ecasd, changed).refused.join("\n")).toContain("eis-by-eum");
  });

  it("are refused under another CI, of the same name", () => {
    const other = ecKeys();
    expect(check({ ci: ciOf({}, other) }).refused).toEqual([expect.stringMatching(/^eum-by-ci: /)]);
    expect(check({ ci: ciOf({ subject: "Other", issuer: "Other" }, other) }).refused.join()).toContain(
      "not by this CI",
    );
  });
});
