import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { withoutKeyValues } from "../../../src/codec/eis/content.ts";
import { eisElements, readEis } from "../../../src/codec/eis/read.ts";
import { updateEis, type WrittenEis, writeEis } from "../../../src/codec/eis/write.ts";

const folder = `${packageRoot}/test/vectors/eis`;
const hasXmlsec = spawnSync("xmlsec1", ["--version"]).status === 0;
if (!hasXmlsec) console.info("without xmlsec1 nobody else verifies what is exported (apt-get install xmlsec1)");

const written: WrittenEis = {
  eid: "89001012012341234012345678901224",
  profiles: [
    {
      aid: "A0000005591010FFFFFFFF8900001500",
      iccid: "8988247000000000015",
      state: "enabled",
      fallback: true,
      profileType: '<odd> & "quoted"',
      pol2: [{ action: "DISABLE", qualification: "Not-Allowed" }],
    },
  ],
  facts: { remainingMemory: 4711, smsrId: "1.2.3", ecasd: { certificate: "7F2100", caId: "1.2" } },
  keySets: [{ type: "SCP80", kvn: 1, cntr: 99 }],
};

function readOne(text: string) {
  const [eis] = eisElements(text);
  if (eis === undefined) throw new Error("there is one");
  return { eis, read: readEis(eis) };
}

function original(name: string): string {
  return withoutKeyValues(readOne(readFileSync(`${folder}/${name}`, "utf8")).eis);
}

describe("an exported EIS", () => {
  it("says what is known, and is read back as that", () => {
    const { read } = readOne(writeEis(written));
    expect(read).toMatchObject({
      eid: written.eid,
      remainingMemory: 4711,
      smsrId: "1.2.3",
      ecasd: { certificate: "7F2100" },
      profiles: [{ aid: written.profiles[0]?.aid, profileType: '<odd> & "quoted"', pol2: [{ action: "DISABLE" }] }],
    });
  });

  it("omits what is unknown: no date, version or memory is made up", () => {
    const [profile] = written.profiles;
    const text = writeEis({
      ...written,
      facts: {},
      profiles: [{ aid: profile?.aid ?? "", state: "enabled", fallback: false }],
    });
    expect(text).not.toMatch(
      /Date|Version>0|Memory|Iccid|Support|<rps3:[\w-]+><\/rps3:(?!SubscriptionAddress|pol2|Euicc)/,
    );
    const { read } = readOne(text);
    expect(Object.keys(read).sort()).toEqual([
      "additionalProperties",
      "capabilities",
      "ecasd",
      "eid",
      "isdPLoadFileAid",
      "isdPModuleAid",
      "isdR",
      "profiles",
    ]);
    expect(read.capabilities).toEqual({});
  });

  it.each(["ecdsa.xml", "rsa.xml"])("of %s keeps namespace and order, and has what changed since", (name) => {
    const before = original(name);
    const text = updateEis(before, written);
    const { eis, read } = readOne(text);
    expect(eis.namespaceURI).toBe(readOne(before).eis.namespaceURI);
    expect(read).toMatchObject({
      remainingMemory: 4711,
      profiles: [{ iccid: "8988247000000000015", state: "enabled" }],
    });
    expect(text).toMatch(/Cntr>99</);
    expect(text.indexOf("ProfileInfo")).toBeLessThan(text.indexOf("Isd-r>"));
    expect(text).not.toContain('xmlns=""');
  });

  it.skipIf(!hasXmlsec).each(["ecdsa.xml", "rsa.xml"])("of %s is still signed, says xmlsec1", (name) => {
    const place = mkdtempSync(join(tmpdir(), "otagate-eis-"));
    try {
      const path = join(place, "eis.xml");
      writeFileSync(path, updateEis(original(name), written));
      const options = ["--verify", "--id-attr:Id", "EumSignedInfo", "--trusted-pem", `${folder}/ci.pem`, path];
      const { status, stderr } = spawnSync("xmlsec1", options, { encoding: "utf8" });
      expect(stderr).toContain("OK");
      expect(status).toBe(0);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
