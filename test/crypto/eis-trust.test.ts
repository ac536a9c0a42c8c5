import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { fromHex } from "../../src/base/hex.ts";
import { eisElements, readEis } from "../../src/codec/eis/read.ts";
import { checkEisTrust, type TrustAnchors } from "../../src/crypto/eis-trust.ts";

const file = (name: string) => readFileSync(`${packageRoot}/test/vectors/eis/${name}`, "utf8");
const ci = file("ci.pem");

function trust(text: string, anchors: TrustAnchors) {
  const [element] = eisElements(text);
  if (element === undefined) throw new Error("there is one");
  const { ecasd, eid } = readEis(element) as { ecasd?: { certificate?: string }; eid: string };
  const checked = checkEisTrust({ eid, element, ecasd: fromHex(ecasd?.certificate ?? "") }, anchors);
  return { ...checked, results: Object.fromEntries(checked.checks.map(({ what, result }) => [what, result])) };
}
const whyOf = (found: ReturnType<typeof trust>, what: string) => found.checks.find((one) => one.what === what)?.why;

describe("the chain of an eUICC", () => {
  it("holds from the CI to the EIS and to the ECASD, signed by other people's tools", () => {
    const found = trust(file("ecdsa.xml"), { ci, eum: file("eum.pem") });
    expect(found.results).toEqual({ "eum-by-ci": "good", "ecasd-by-eum": "good", "eis-by-eum": "good" });
    expect(found.eum).toMatchObject({ subject: "C=XX, O=Otagate test, CN=Test EUM", fromSignature: false });
    expect(found.ecasd).toMatchObject({
      subjectId: "89001012012341234012345678901224",
      keyUsage: "0080",
      expirationDate: "2049-12-31",
      curve: "P-256",
    });
  });

  it("takes the EUM certificate that came with the signature, and believes it only with the CI", () => {
    const found = trust(file("rsa.xml"), { ci });
    expect(found.eum).toMatchObject({ fromSignature: true });
    // This EIS is signed with another key of the manufacturer than its ECASD certificate.
    expect(found.results).toEqual({ "eum-by-ci": "good", "ecasd-by-eum": "bad", "eis-by-eum": "good" });
    expect(trust(file("rsa.xml"), {}).results["eum-by-ci"]).toBe("unchecked");
  });

  it.each([
    ["a changed value", (text: string) => text.replace("1.3.6.1.4.1.9999.3", "1.3.6.1.4.1.9999.5")],
    ["a changed space", (text: string) => text.replace("<rps3:Eum-id>", " <rps3:Eum-id>")],
    ["a changed digest", (text: string) => text.replace(/<ds:DigestValue>./, "<ds:DigestValue>A")],
    ["a changed signature", (text: string) => text.replace(/<ds:SignatureValue>\s*..../, "<ds:SignatureValue>AAAA")],
    ["another namespace", (text: string) => text.replaceAll("esim-messaging/3", "esim-messaging/4")],
    ["a reference elsewhere", (text: string) => text.replace('URI="#eum"', 'URI="#other"')],
    ["a weak digest", (text: string) => text.replace("xmlenc#sha256", "xmldsig#sha1")],
    [
      "an unknown transform",
      (text: string) => text.replace(/Transform Algorithm="[^"]*"/, 'Transform Algorithm="urn:x"'),
    ],
  ])("does not hold for %s", (_name, change) => {
    const text = file("ecdsa.xml");
    expect(change(text)).not.toBe(text);
    expect(trust(change(text), { ci, eum: file("eum.pem") }).results["eis-by-eum"]).toBe("bad");
  });

  it("does not care for what is not signed: comments, and everything outside", () => {
    const text = file("ecdsa.xml").replace("comments are not signed", "whatever").replace("491520", "1");
    expect(trust(text, { eum: file("eum.pem") }).results["eis-by-eum"]).toBe("good");
  });

  it("says whose certificate is wrong", () => {
    const other = trust(file("ecdsa.xml"), { ci, eum: file("eumrsa.pem") });
    expect(other.results).toEqual({ "eum-by-ci": "good", "ecasd-by-eum": "bad", "eis-by-eum": "bad" });
    expect(whyOf(other, "eis-by-eum")).toContain("the signature is ec, the certificate's key rsa");
    const selfMade = trust(file("ecdsa.xml"), { ci: file("eum.pem"), eum: file("eum.pem") });
    expect(whyOf(selfMade, "eum-by-ci")).toContain("not by this CI");
    expect(() => trust(file("ecdsa.xml"), { ci: "nonsense" })).toThrow(
      expect.objectContaining({ code: "crypto.signature", detail: { field: "ci" } }),
    );
  });
});
