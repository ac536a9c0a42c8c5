import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildFileSystem } from "../../../simulators/euicc/files/file-system.ts";
import { pinAt } from "../../../simulators/euicc/files/pin-commands.ts";
import { createEuiccState, emptyProfile } from "../../../simulators/euicc/fixture.ts";
import { PackageLoader } from "../../../simulators/euicc/profile/loader.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { testRandom } from "../../seed.ts";
import { packageElements } from "./packages.ts";

interface PackageVector {
  readonly id: string;
  readonly kind: string;
  readonly package: string;
  readonly facts: { readonly imsi: string; readonly k: string; readonly opc: string };
}

const vectors: readonly PackageVector[] = JSON.parse(
  readFileSync(new URL("../../vectors/es8.json", import.meta.url), "utf8"),
).vectors;
const packages = vectors.filter(({ kind }) => kind === "package");

/** The outcome of a package that comes in pieces of so many octets. */
function load(bytes: Uint8Array, piece = 1000, settings: Parameters<typeof createEuiccState>[0] = {}, room = 400_000) {
  const loader = new PackageLoader(createEuiccState(settings).settings, room);
  for (let at = 0; at < bytes.length; at += piece) {
    const result = loader.take(bytes.subarray(at, at + piece));
    if (result.at === "end")
      return { response: toHex(result.response), profile: result.profile, blocks: loader.blocks };
  }
  return { response: "", profile: undefined, blocks: loader.blocks };
}

const ok = "3007A0053003800100";
const small = () => fromHex(packages.find(({ id }) => id === "package-small")?.package ?? "");

/** The small package with one element replaced, removed (undefined) or, with a negative index, none. */
function changed(index: number, ...elements: readonly Uint8Array[]): Uint8Array {
  const list = packageElements(small());
  list.splice(index, 1, ...elements);
  return concatBytes(...list);
}

/** The small package with these elements in front of its end. */
const extended = (...elements: readonly Uint8Array[]) => {
  const list = packageElements(small());
  list.splice(-1, 0, ...elements);
  return concatBytes(...list);
};

const header = (fields: string) => tlvBytes(0xa0, fromHex(fields));
const iccid = "830A89000128466149855 34F".replace(" ", "");

describe("a profile package on the card", () => {
  it.each(packages.map((vector) => [vector.id, vector] as const))(
    "installs %s, in pieces of any length",
    (_, vector) => {
      const bytes = fromHex(vector.package);
      for (const piece of [1, 7, 1000, bytes.length]) {
        const { response, profile } = load(bytes, piece);
        expect(response).toBe(ok);
        expect(profile?.authentication).toMatchObject({
          algorithm: "milenage",
          ki: vector.facts.k,
          opc: vector.facts.opc,
        });
      }
    },
  );

  it("makes template files with their defaults, fills, skips and links", () => {
    const { profile } = load(small());
    const file = (path: string) => profile?.installed.files.find((one) => one.path === `3F00/${path}`);
    expect(file("2FE2")?.contents).toEqual(["980010826416945835F4"]);
    expect(file("2F05")).toMatchObject({ sfi: 5, contents: ["FFFF"], arr: { fid: 0x2f06, record: 15 } });
    expect(file("2F06")?.contents).toHaveLength(3);
    expect(file("2F06")?.contents[1]).toMatch(/^800103A406830101950108800158/);
    expect(file("7FF1")).toMatchObject({ kind: "adf", aid: "A0000000871002FF33FF018900000100" });
    expect(file("7FF1/6F07")?.contents).toEqual(["080910107383688084"]);
    expect(file("7FF1/6F06")).toMatchObject({ kind: "linear", link: "3F00/2F06", contents: [] });
    expect(file("7FF1/6F7E")?.contents).toEqual(["FFFFFFFFFFFFFF0000FF01"]);
    expect(file("7FF1/6F3C")?.contents).toHaveLength(10);
    expect(file("7FF1/6F3C")?.contents[0]).toBe(`00${"FF".repeat(175)}`);
    expect(profile?.pins["01"]).toMatchObject({
      value: "0614",
      enabled: true,
      tries: 3,
      maxTries: 3,
      maxUnblockTries: 9,
    });
    expect(Object.keys(profile?.pins ?? {})).toEqual(["01", "02", "0A", "81@3F00/7FF1"]);
    expect(profile?.pins["0A"]).toMatchObject({ value: "56259201", fixed: true });
  });

  it("makes domains, key sets and remote file management", () => {
    const { profile } = load(small());
    expect(profile?.installed.domains).toMatchObject([
      { aid: "A000000151000000", privileges: "82FC80", channels: "81028000", tars: ["B20100"], msl: 0x12 },
    ]);
    expect(profile?.mnoKeySets).toMatchObject([
      {
        kvn: 1,
        type: "SCP80",
        keys: [
          { id: 1, usage: "38" },
          { id: 2, usage: "34" },
          { id: 3, usage: "C8" },
        ],
      },
    ]);
    expect(profile?.installed.remoteFiles).toMatchObject([
      { tars: ["B00000"], msl: 0x12 },
      { tars: ["B00010"], adf: "A0000000871002FF33FF018900000100" },
    ]);
  });

  it("fills files of generic file management record by record", () => {
    const bytes = fromHex(packages.find(({ id }) => id === "package-large")?.package ?? "");
    const { profile } = load(bytes);
    const phonebook = profile?.installed.files.find(({ path }) => path.endsWith("/6F3A"));
    expect(phonebook).toMatchObject({ kind: "linear", path: "3F00/7F10/6F3A" });
    expect(phonebook?.contents).toHaveLength(40);
    expect(phonebook?.contents.every((record) => record.length === 56)).toBe(true);
  });

  it("decides on the header before it makes anything", () => {
    const version = (major: string, minor: string) =>
      load(changed(0, header(`8001${major}8101${minor}${iccid}A500A600`)));
    expect(version("04", "00")).toMatchObject({ response: "300CA0083006" + "80011F8101008100", blocks: 1 });
    expect(version("03", "04").response).toContain("80011F");
    expect(version("03", "03").response).toBe(ok);
    expect(load(small(), 1000, { settings: { packageVersion: "2.1" } }).response).toContain("80011F");
    const service = load(changed(0, header(`800102810103${iccid}A5028300A600`)));
    expect(service.response).toBe("3012A00E300C80010A81010082010383" + "01168100");
    const without = load(small(), 1000, { settings: { withoutServices: ["javacard"] } });
    expect(without.response).toContain("80010A81010082010B");
    const template = load(changed(0, header(`800102810103${iccid}A500A608060667810F01020A`)));
    expect(template.response).toMatch(/^30..A0..30..800109810100/);
    const library = load(changed(0, header(`800102810103${iccid}A500A600A80D300B8005A00000015181020100`)));
    expect(library.response).toMatch(/^30..A0..30..800108810100/);
  });

  it("leaves out what it does not have unless that is mandated", () => {
    const csim = (mandated: boolean) =>
      tlvBytes(0xb9, fromHex(`A0${mandated ? "058000" : "03"}81012A810667810F01020A`));
    expect(load(extended(csim(false))).response).toBe("3012A010300980010181012A8301003003800100");
    const refused = load(extended(csim(true)));
    expect(refused.response).toBe("300FA00B300980010181012A8301008100");
    expect(refused.profile).toBeUndefined();
    const foreign = (mandated: boolean) =>
      tlvBytes(0xa9, fromHex(`A0${mandated ? "058000" : "03"}81010981082B060104018F6501820155`));
    expect(load(extended(foreign(false))).response).toBe(ok);
    expect(load(extended(foreign(true))).response).toContain("800101810109");
    const cdma = tlvBytes(0xa5, fromHex("A0058000810111"), tlvBytes(0x81, new Uint8Array(8)));
    expect(load(extended(cdma)).response).toContain("80010A810111");
    const application = tlvBytes(
      0xa8,
      fromHex("A0058000810112"),
      tlvBytes(0xa1, fromHex("4F06D00000000001C403010203")),
    );
    expect(load(extended(application)).profile?.installed.applications).toEqual([
      { package: "D00000000001", instances: [], size: 3 },
    ]);
  });

  it("names the element and the place of a value it cannot take", () => {
    const [, , , pins] = packageElements(small());
    const wrong = toHex(pins ?? new Uint8Array(0)).replace("820101", "820105");
    const answer = load(changed(3, fromHex(wrong))).response;
    expect(answer).toMatch(/^30..A0..30..80010381010483/);
    const offset = Number.parseInt(/83(?:01|02)(..)8100$/.exec(answer)?.[1] ?? "", 16);
    expect(wrong.slice(offset * 2, offset * 2 + 6)).toBe("820105");
    expect(load(changed(6, tlvBytes(0xa4, fromHex("A0058000810177A107A10580010582" + "00")))).response).toContain(
      "810177",
    );
  });

  it("refuses what has no header, two headers, an indefinite length, or lacks a part", () => {
    const list = packageElements(small());
    expect(load(concatBytes(...list.slice(1))).response).toContain("800105");
    expect(load(extended(list[0] ?? new Uint8Array(0))).response).toContain("800105");
    expect(load(fromHex("A0800102")).response).toBe("300FA00B30098001058101008301008100");
    expect(load(fromHex("2D2D2D2D")).response).toBe("300CA00830068001058301008100");
    expect(load(concatBytes(list[0] ?? new Uint8Array(0), list.at(-1) ?? new Uint8Array(0))).response).toContain(
      "800105810163",
    );
    expect(load(small().subarray(0, -1)).response).toBe("");
  });

  it("stops when its memory is used up, and holds no element of more than 64 KiB", () => {
    expect(load(small(), 1000, {}, 2000).response).toMatch(/^30..A0..30..800104/);
    expect(load(concatBytes(small().subarray(0, 75), fromHex("A88301000" + "1A003810107"))).response).toMatch(
      /^30..A0..30..800104/,
    );
  });

  it("makes further applications: ISIM with shared PINs and algorithm, a linked phonebook, TUAK", () => {
    const isim = `A0038101 50 81 06 67810F010208
      A2 1D A1 1B 8302 7FF2 8410 A0000000871004FF33FF018900000100 C603 01810A
      A3 0D A1 03 8001 08 83 06 001122334455 A4 0B A1 09 8204 42210010 8001 10 A5 07 A1 03 8001 04 8300 A6 00 A8 06 A1 04 C702 2F06`;
    const linked = "A0038101 51 81 06 67810F010206 A2 08 A1 06 C704 7F10 5F3A";
    const telecom = "A0038101 4F 81 06 67810F010203 A2 07 A1 05 C603 01810A B0 07 A1 05 C603 01810A BF22 00"
      .replace("B0 07", "AF 07")
      .replace("BF22 00", "");
    const element = (tag: number, text: string) => tlvBytes(tag, fromHex(text.replace(/\s/g, "")));
    const list = packageElements(small());
    const aka = list.findIndex((bytes) => bytes[0] === 0xa4);
    const k = "A1".repeat(32);
    const topc = "C2".repeat(32);
    const tuak = tlvBytes(
      0xa4,
      fromHex("A0058000810155"),
      tlvBytes(0xa1, tlvBytes(0xa1, fromHex(`8001028101008220${k}8320${topc}870102`))),
      fromHex("8306000000000100"),
    );
    list.splice(aka, 1, tuak);
    const shared = tlvBytes(
      0xa4,
      fromHex(
        "A0038101 56 A115 A013 8001 00 8110 A0000000871002FF33FF018900000100"
          .replace(/\s/g, "")
          .replace("A115A013", "A117A015"),
      ),
    );
    list.splice(
      aka + 1,
      0,
      element(0xb2, telecom),
      element(0xb7, linked),
      element(0xb5, isim),
      tlvBytes(0xa2, fromHex("A0038101 57 A104 8102 7FF1".replace(/\s/g, ""))),
      shared,
    );
    const { response, profile } = load(concatBytes(...list));
    expect(response).toBe(ok);
    expect(profile?.authentication).toMatchObject({
      algorithm: "tuak",
      ki: k,
      opc: topc,
      iterations: 2,
      sqnDelta: "000000000100",
    });
    expect(profile?.installed.algorithms["3F00/7FF2"]).toMatchObject({ algorithm: "tuak", ki: k });
    expect(profile?.installed.pinLinks).toEqual({ "3F00/7FF2": "3F00/7FF1" });
    const { installed, pins, authentication } = profile ?? expect.fail("no profile");
    const state = { ...emptyProfile("A0000005591010FFFFFFFF890000400000", undefined), installed, pins, authentication };
    const system = buildFileSystem(state);
    const [usim, imsApplication] = system.applications;
    expect(usim?.children.get(0x5f3a)).toMatchObject({ kind: "directory" });
    const impi = imsApplication?.children.get(0x6f02);
    expect(impi?.kind === "file" && toHex(impi.contents[0] ?? new Uint8Array(0))).toBe("001122334455FFFF");
    const { name, pin } = pinAt(state, imsApplication, 0x81);
    expect([name, pin?.value]).toEqual(["81@3F00/7FF1", "8347"]);
  });

  it("answers mutated packages by a status, and every package that it takes is a profile with files", () => {
    const random = testRandom();
    let taken = 0;
    for (let i = 0; i < 500; i++) {
      const bytes = small();
      for (let n = 0; n <= i % 3; n++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      const { response, profile } = load(bytes, 300);
      expect(response).toMatch(/^(?:30(?:81)?..A0.*)?$/);
      if (profile === undefined) continue;
      taken += 1;
      const { installed, pins, authentication } = profile;
      const state = {
        ...emptyProfile("A0000005591010FFFFFFFF890000400000", undefined),
        installed,
        pins,
        authentication,
      };
      const system = buildFileSystem(state);
      const rules = [...system.mf.children.values()].flatMap((node) =>
        node.kind === "file" ? [node.read, node.update] : [],
      );
      expect(rules.length).toBeGreaterThan(1);
    }
    expect(taken).toBeGreaterThan(80);
  });
});
