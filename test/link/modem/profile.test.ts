import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkProfile, genericName, ProfileSet, portsFor } from "../../../src/link/modem/profile/profile.ts";
import { loadProfiles, readProfileFile, shippedProfiles } from "../../../src/link/modem/profile/profile-files.ts";
import { profileJsonSchema } from "../../../src/link/modem/profile/profile-json-schema.ts";
import { quirkNames } from "../../../src/link/modem/profile/quirks.ts";

const profiles = loadProfiles();
const sources = [{ id: "x", kind: "memory", title: "x" }];
const file = (name: string, more: object = {}) => {
  return {
    source: `${name}.json`,
    content: { name, title: name, match: { model: `^${name}` }, sources, verified: [], ...more },
  };
};

describe("shipped hardware profiles", () => {
  test.each(profiles.list().map((profile) => [profile.name, profile] as const))(
    "%s matches its models and no other does",
    (_, profile) => {
      for (const model of profile.file.models ?? []) {
        expect(profiles.match({ maker: profile.vendor, model, revision: "" }).name).toBe(profile.name);
      }
    },
  );

  test("cover the modules of the field benches", () => {
    const models = [
      ["Quectel", "EC25"],
      ["Quectel", "EG25-G"],
      ["Quectel", "BG95-M3"],
      ["Quectel", "BG96"],
      ["Quectel", "EC200U"],
      ["Quectel", "RG502Q-EA"],
      ["SIMCOM INCORPORATED", "SIMCOM_SIM7000E"],
      ["SIMCOM INCORPORATED", "SIM7070G"],
      ["SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H"],
      ["SIMCOM INCORPORATED", "A7670E-FASE"],
      ["Telit", "LE910C1-EUX"],
      ["Telit", "ME910C1-WW"],
      ["Cinterion", "ELS61-E2"],
      ["Cinterion", "PLS8-E"],
      ["Cinterion", "PLS62-W"],
      ["Cinterion", "EXS82-W"],
      ["u-blox", "SARA-R410M-02B"],
      ["u-blox", "SARA-R510S-01B"],
      ["u-blox", "LARA-R6001D"],
      ["Sierra Wireless, Incorporated", "MC7455"],
      ["Sierra Wireless, Incorporated", "EM7455"],
      ["Sierra Wireless", "HL7802"],
      ["Nordic Semiconductor ASA", "nRF9160-SICA"],
      ["Huawei", "ME909s-120"],
      ["Fibocom", "L610-CN-00"],
      ["Fibocom", "FM150-AE-00"],
    ] as const;
    for (const [maker, model] of models) {
      expect(profiles.match({ maker, model, revision: "" }).name, model).not.toBe(genericName);
    }
    expect(profiles.match({ maker: "Nobody", model: "X1", revision: "" }).name).toBe(genericName);
  });

  test("say where their facts come from and that no unit confirmed them", () => {
    for (const { file, name } of profiles.list()) {
      expect(file.sources?.length, name).toBeGreaterThan(0);
      expect(file.verified, name).toEqual([]);
    }
  });

  test("agree on the AT port where they share a USB id", () => {
    const ids = new Set(profiles.list().flatMap(({ file }) => file.match?.usb ?? []));
    for (const usb of ids) {
      const ports = new Set(profiles.byUsb(usb).flatMap((profile) => portsFor(profile, usb)?.at ?? []));
      expect(ports.size, usb).toBeLessThanOrEqual(1);
    }
  });

  test("name no quirk that neither the engine nor the simulator asks for", () => {
    const root = new URL("../../../", import.meta.url).pathname;
    const code = ["src/link/modem", "simulators/modem"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && name !== "quirks.ts")
        .map((name) => readFileSync(join(root, folder, name), "utf8")),
    );
    for (const quirk of quirkNames)
      expect(
        code.some((text) => text.includes(`"${quirk}"`)),
        quirk,
      ).toBe(true);
  });

  test("are checked by the committed JSON schema", () => {
    expect(readFileSync(join(shippedProfiles, "schema.json"), "utf8")).toBe(profileJsonSchema());
  });
});

describe("hardware profile sets", () => {
  test.each([
    ["an unknown field", { colour: "red" }, "/colour"],
    ["an unknown field inside", { sms: { zork: 1 } }, "/sms/zork"],
    ["an unknown quirk", { quirks: ["is-haunted"] }, "/quirks/0"],
    ["a command with a line end", { init: ["AT+CFUN=0\rAT"] }, "/init/0"],
    ["a pattern that is none", { urcs: [{ pattern: "^(", event: "boot" }] }, "/urcs/0/pattern"],
    ["a pattern that is not anchored", { urcs: [{ pattern: "RDY", event: "boot" }] }, "/urcs/0/pattern"],
    ["nested quantifiers", { urcs: [{ pattern: "^(a+)+$", event: "boot" }] }, "/urcs/0/pattern"],
    ["a model its own pattern misses", { models: ["Y1"], match: { model: "^X" } }, "/models/0"],
  ])("refuse %s and say where", (_, more, at) => {
    const { problems } = checkProfile({
      name: "x",
      title: "x",
      match: { model: "^X" },
      sources,
      verified: [],
      ...more,
    });
    expect(problems.map((problem) => problem.at)).toContain(at);
  });

  test("merge at most two parents; URCs of the child come first", () => {
    const set = new ProfileSet([
      file("a", {
        abstract: true,
        urcs: [{ pattern: "^\\+X: ", event: "noise" }],
        timeoutsMs: { quick: 100, card: 200 },
      }),
      file("b", { extends: "a", abstract: true, timeoutsMs: { card: 300 } }),
      file("c", { extends: "b", urcs: [{ pattern: "^\\+X: 1", event: "boot" }] }),
    ]);
    const profile = set.get("c");
    expect(profile.timeoutsMs).toMatchObject({ quick: 100, card: 300, send: 150_000 });
    expect(profile.urcs.find("+X: 1")?.event).toBe("boot");
    expect(profile.urcs.find("+X: 2")?.event).toBe("noise");
    expect(
      () =>
        new ProfileSet([
          file("a"),
          file("b", { extends: "a" }),
          file("c", { extends: "b" }),
          file("d", { extends: "c" }),
        ]),
    ).toThrow(expect.objectContaining({ code: "profile.invalid" }));
    expect(() => new ProfileSet([file("a", { extends: "missing" })])).toThrow(
      expect.objectContaining({ code: "profile.invalid" }),
    );
  });

  test("two profiles that claim the same device are an error that names both", () => {
    const set = new ProfileSet([file("x"), file("x1", { match: { model: "^x1" } })]);
    expect(() => set.match({ maker: "", model: "X1", revision: "" })).toThrow(
      expect.objectContaining({ code: "profile.invalid", detail: { names: ["x", "x1"] } }),
    );
  });

  test("a user's file wins over the shipped one by name", () => {
    const folder = mkdtempSync(join(tmpdir(), "profiles-"));
    const mine = file("quectel-ec25", { title: "mine", extends: "quectel" }).content;
    writeFileSync(join(folder, "mine.json"), JSON.stringify(mine));
    expect(loadProfiles([folder]).get("quectel-ec25").title).toBe("mine");
  });

  test("a bad file in the user's folder disables that profile only, and is named", () => {
    const folder = mkdtempSync(join(tmpdir(), "profiles-"));
    const write = (name: string, text: unknown) =>
      writeFileSync(join(folder, name), typeof text === "string" ? text : JSON.stringify(text));
    write("good.json", file("my-good", { match: { model: "^my" } }).content);
    write("broken.json", "{");
    write("wrong.json", { ...file("my-wrong").content, quirks: ["no-such-quirk"] });
    write("orphan.json", file("my-orphan", { extends: "missing" }).content);
    write("child.json", file("my-child", { extends: "my-orphan" }).content);
    write("double.json", `{"name": "a", "title": "x", "uart": {"baud": 1},\n "name": "b"}`);
    write("quectel-ec25.json", { ...file("quectel-ec25", { extends: "missing" }).content });
    const set = loadProfiles([folder, join(folder, "absent")]);
    expect(set.get("my-good").name).toBe("my-good");
    expect(set.get("quectel-ec25").title).toContain("Quectel");
    for (const name of ["my-wrong", "my-orphan", "my-child", "a", "b"])
      expect(() => set.get(name)).toThrow(expect.objectContaining({ code: "profile.unknown" }));
    const said = set.problems.map(({ problem }) => problem).sort();
    expect(said).toHaveLength(7);
    for (const [at, name] of ["absent", "broken", "child", "double", "orphan", "quectel-ec25", "wrong"].entries())
      expect(said[at]).toContain(name);
    expect(said[3]).toContain("line 2");
  });

  test("of a user's profile and a shipped one that both fit, the user's counts", () => {
    const folder = mkdtempSync(join(tmpdir(), "profiles-"));
    writeFileSync(
      join(folder, "mine.json"),
      JSON.stringify(file("mine", { match: { model: "^EC25-CUSTOM|^EC25" } }).content),
    );
    expect(loadProfiles([folder]).match({ maker: "Quectel", model: "EC25", revision: "" }).name).toBe("mine");
    expect(loadProfiles([]).match({ maker: "Quectel", model: "EC25", revision: "" }).name).toBe("quectel-ec25");
  });

  test("a file that cannot be read", () => {
    const folder = mkdtempSync(join(tmpdir(), "profiles-"));
    expect(() => readProfileFile(join(folder, "absent.json"))).toThrow(
      expect.objectContaining({ code: "profile.invalid" }),
    );
  });
});
