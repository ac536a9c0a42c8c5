import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { withoutKeyValues } from "../../../src/codec/eis/content.ts";
import { eisElements, readEis } from "../../../src/codec/eis/read.ts";
import * as fc from "../../fast-check.ts";

const vector = (name: string) => readFileSync(`${packageRoot}/test/vectors/eis/${name}`, "utf8");
const read = (text: string) => {
  const [eis] = eisElements(text);
  if (eis === undefined) throw new Error("there is one");
  return readEis(eis);
};

describe("an EIS in XML", () => {
  it.each(["ecdsa.xml", "rsa.xml"])("%s: namespace, prefix and form of the EID do not matter", (name) => {
    expect(read(vector(name))).toMatchObject({
      eid: "89001012012341234012345678901224",
      eumId: "1.3.6.1.4.1.9999.3",
      platformType: expect.stringContaining("Test <platform>"),
      remainingMemory: 491520,
      smsrId: "1.3.6.1.4.1.9999.4",
      capabilities: { HttpSupport: "true", SecurePacketVersion: "12.1.0" },
      ecasd: { certificate: expect.stringMatching(/^7F2181/), caId: "1.3.6.1.4.1.131" },
      profiles: [
        {
          aid: "A0000005591010FFFFFFFF8900001200",
          state: "enabled",
          fallback: true,
          profileType: "A & B",
          allocatedMemory: 65536,
          pol2: [{ action: "DELETE", qualification: "Not-Allowed" }],
        },
        { aid: "A0000005591010FFFFFFFF8900001300", state: "disabled", fallback: false },
      ],
      isdR: {
        keySets: [
          { kvn: 1, type: "SCP80", cntr: 7, keys: [{ id: 1, value: "000102030405060708090A0B0C0D0E0F" }, {}, {}] },
          { kvn: 64, type: "SCP81", keys: [{ id: 1, type: "85" }, { id: 2 }] },
        ],
      },
      additionalProperties: { "urn:example:lab": "rack 1" },
    });
  });

  it("is found in whatever envelope, once or many times", () => {
    const eis = vector("ecdsa.xml").replace(/^<\?xml.*\?>/, "");
    expect(eisElements(`<e:Envelope xmlns:e="urn:e"><e:Body>${eis}<x>${eis}</x></e:Body></e:Envelope>`)).toHaveLength(
      2,
    );
  });

  it("loses the values of keys and nothing else before it is kept", () => {
    const [eis] = eisElements(vector("ecdsa.xml"));
    const kept = eis === undefined ? "" : withoutKeyValues(eis);
    expect(kept).not.toContain("000102030405060708090A0B0C0D0E0F");
    expect(kept).not.toMatch(/ value="[0-9A-F]{32}"/);
    expect(kept).toContain("7F2181");
    expect(kept).toContain("EumSignature");
  });

  it.each([
    ["<a/>", "Eis"],
    ["", "xml"],
    ["<Eis><b></Eis>", "xml"],
    ["<!DOCTYPE Eis [<!ENTITY x 'y'>]><Eis>&x;</Eis>", "xml"],
    [`${"<a>".repeat(200)}${"</a>".repeat(200)}`, "xml"],
    ["<Eis/>", "EumSignedInfo"],
    ["<Eis><EumSignedInfo/><Isd-r/></Eis>", "EumSignedInfo.Eid"],
    ["<Eis><EumSignedInfo><Eid>89</Eid></EumSignedInfo><Isd-r/><ProfileInfo/></Eis>", "ProfileInfo 1.State"],
  ])("that is wrong is refused by its field: %s", (text, field) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: "target.invalid", detail: { field } }));
  });

  it.each([
    ["levels", "<a>".repeat(100_000)],
    ["elements", `<Eis>${"<a/>".repeat(200_000)}</Eis>`],
    ["elements outside", `<a>${"<a/>".repeat(200_000)}</a>`],
    ["attributes", `<Eis ${Array.from({ length: 50_000 }, (_, at) => `a${at}="1"`).join(" ")}/>`],
    [
      "attributes in all",
      `<Eis>${Array.from({ length: 200 }, () => `<a ${Array.from({ length: 60 }, (_, at) => `a${at}=""`).join(" ")}/>`).join("")}</Eis>`,
    ],
    ["namespaces", `<Eis>${Array.from({ length: 300 }, (_, at) => `<a xmlns:n${at}="urn:n"/>`).join("")}</Eis>`],
    ["comments", `<Eis>${"<!---->".repeat(100_000)}</Eis>`],
    ["instructions", `<Eis>${"<?a?>".repeat(100_000)}</Eis>`],
    ["sections", `<Eis>${"<![CDATA[]]>".repeat(50_000)}</Eis>`],
    ["references", `<Eis>${"&#65;".repeat(100_000)}</Eis>`],
    ["characters", `<Eis>${"x".repeat(600_000)}</Eis>`],
    ["entities", `<!DOCTYPE a [<!ENTITY b "c">${"<!ENTITY b 'c'>".repeat(40_000)}]><Eis/>`],
    ["tags around", `<e a="${"x".repeat(20_000)}"><Eis/><Eis/></e>`],
  ])("with too many %s is refused before a tree is built", (_name, text) => {
    const before = process.cpuUsage();
    expect(() => eisElements(text)).toThrow(
      expect.objectContaining({ code: "target.invalid", detail: { field: "xml" } }),
    );
    // Building the trees of these takes seconds. CPU time: a busy machine does not matter.
    expect(process.cpuUsage(before).user).toBeLessThan(400_000);
  });

  it.each([
    ["an undeclared prefix", "<Eis><p:a/></Eis>"],
    ["an undeclared prefix of an attribute", '<Eis><a p:b=""/></Eis>'],
    ["a prefix declared beside", '<Eis><a xmlns:p="urn:p"/><p:a/></Eis>'],
    ["an attribute twice", '<Eis a="1" a="2"/>'],
    ["an unknown entity", "<Eis>&nbsp;</Eis>"],
    ["a bare ampersand", "<Eis>a & b</Eis>"],
    ["a NUL by reference", "<Eis>&#0;</Eis>"],
    ["a control character", "<Eis>\u0001</Eis>"],
    ["a second root", "<Eis/><Eis/>"],
    ["text behind the root", "<Eis/>x"],
    ["a root that is not closed", "<Eis><a></a>"],
    ["crossed tags", "<Eis><a><b></a></b></Eis>"],
    ["a comment with two hyphens", "<Eis><!-- a -- b --></Eis>"],
    ["XML 1.1", '<?xml version="1.1"?><Eis/>'],
    ["a late document type", "<Eis/><!DOCTYPE Eis>"],
  ])("with %s is not XML", (_name, text) => {
    expect(() => eisElements(text)).toThrow(
      expect.objectContaining({ code: "target.invalid", detail: { field: "xml" } }),
    );
  });

  it("says where it is not XML", () => {
    expect(() => eisElements("<Eis>\n <a>\n</b></Eis>")).toThrow(/<a> is expected here \(line 3, offset 11\)/);
  });

  it("takes a deep or long envelope apart in one pass, each EIS with what is declared around it", () => {
    const text = `<e:x xmlns:e="urn:e" xmlns="urn:d" xml:lang="en">${"<e:y><eis/></e:y>".repeat(2000)}</e:x>`;
    const found = eisElements(text);
    expect(found).toHaveLength(2000);
    expect(found[1999]?.namespaceURI).toBe("urn:d");
  });

  it.each([
    ["<rps3:Type>SCP80</rps3:Type>", "<rps3:Type>SCP02</rps3:Type>", "Isd-r.Keyset 1.Type"],
    [
      '<rps3:KeyComponents value="00',
      '<rps3:KeyComponents type="88"/><rps3:KeyComponents value="00',
      "Isd-r.Keyset.Key.KeyComponents",
    ],
  ])("refuses keys that it could not use: %s -> %s", (from, to, field) => {
    expect(() => read(vector("ecdsa.xml").replace(from, to))).toThrow(
      expect.objectContaining({ code: "target.invalid", detail: { field } }),
    );
  });

  it("never crashes on damaged documents", () => {
    const text = vector("rsa.xml");
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 6 }), fc.nat(40), (at, inserted, cut) => {
        try {
          for (const eis of eisElements(text.slice(0, at) + inserted + text.slice(at + cut))) readEis(eis);
        } catch (error) {
          if (!isGatewayError(error)) throw error;
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe("words of closed sets in an EIS", () => {
  const changed = (from: RegExp, to: string) => {
    const text = vector("ecdsa.xml").replace(from, to);
    expect(text).not.toBe(vector("ecdsa.xml"));
    return text;
  };

  it.each([
    [/(<rps3:State>)[^<]*/, "blub", "ProfileInfo 1.State"],
    [/(<rps3:State>)[^<]*/, "Deleted", "ProfileInfo 1.State"],
    [/(<rps3:State>)[^<]*/, "not-enabled", "ProfileInfo 1.State"],
    [/(<rps3:Qualification>)[^<]*/, "blub", "ProfileInfo 1.pol2.Qualification"],
    [/(<rps3:Qualification>)[^<]*/, "Not-Auto-Delete", "ProfileInfo 1.pol2.Qualification"],
    [/(<rps3:Action>)[^<]*/, "blub", "ProfileInfo 1.pol2.Action"],
    [/(<rps3:Subject>)[^<]*/, "blub", "ProfileInfo 1.pol2.Subject"],
    [/(<rps3:FallbackAttribute>)[^<]*/, "maybe", "ProfileInfo 1.FallbackAttribute"],
    [/(<rps3:Isd-r>[\s\S]*?<rps3:Type>)[^<]*/, "blub", "Isd-r.Keyset 1.Type"],
  ])("%s %s is refused by its path", (from, to, field) => {
    expect(() => read(changed(from, `$1${to}`))).toThrow(
      expect.objectContaining({ code: "target.invalid", detail: { field } }),
    );
  });

  it("are read in any case and however their parts are joined", () => {
    const text = changed(/(<rps3:Qualification>)[^<]*/, "$1AUTO_DELETE").replace(/(<rps3:State>)[^<]*/, "$1ENABLED");
    expect(read(text).profiles[0]).toMatchObject({ state: "enabled", pol2: [{ qualification: "Auto-Delete" }] });
  });
});
