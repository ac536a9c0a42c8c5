import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { registerProfile } from "../../../src/face/cli/commands/profile.ts";
import { es8Vectors, packageOf } from "../../codec/profile-package/vectors.ts";
import { sink } from "./sink.ts";

const folder = mkdtempSync(join(tmpdir(), "profile-package-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  process.exitCode = undefined;
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const small = file("small.der", packageOf("package-small"));
const large = file("large.hex", toHex(packageOf("package-large")));
const noEnd = file("no-end.der", packageOf("package-no-end"));
const hardware = file("modem.json", '{ "name": "acme" }');

/** Runs `profile …`; `checked` are the files that were taken for hardware profiles. */
async function run(args: readonly string[], json = false) {
  const [out, err] = [sink(), sink()];
  const program = new Command("otagate").exitOverride();
  const context = {
    terminal: { out: out.stream, err: err.stream, fancy: false, json },
    connect: () => Promise.reject(new Error("not connected")),
    trace: () => false,
    onInterrupt: () => ({ [Symbol.dispose]: () => {} }),
    env: {},
  };
  const checked: string[] = [];
  registerProfile(program.command("profile"), context, async (path) => {
    checked.push(path);
  });
  await program.parseAsync(["profile", ...args], { from: "user" });
  return { out: out.text(), err: err.text(), code: process.exitCode ?? 0, checked };
}

const { k = "", opc = "" } = es8Vectors("package")[0]?.facts ?? {};

describe("profile show", () => {
  it("prints what the package contains, without its secrets", async () => {
    const { out, code } = await run(["show", small]);
    expect(code).toBe(0);
    for (const text of ["8900012846614985534", "001013738860848", "Milenage, K of 16 octets", "01-02: type 88 AES"]) {
      expect(out).toContain(text);
    }
    expect(out).toMatch(/^7 +akaParameter +546 +60 +5 +yes/m);
    for (const secret of [k, opc]) expect(out).not.toContain(secret);
  });

  it("prints secrets with --reveal", async () => {
    const { out } = await run(["show", small, "--reveal"]);
    for (const secret of [k, opc]) expect(out).toContain(secret);
  });

  it("prints one JSON object", async () => {
    const { out } = await run(["show", large], true);
    const shown = JSON.parse(out);
    expect(shown).toMatchObject({ version: "2.3", imsi: "001014866172046", pol1: { octets: "02" }, findings: [] });
    expect(shown.secrets).toBeUndefined();
  });

  it("names the file that is not a package", async () => {
    await expect(run(["show", hardware])).rejects.toThrow(/modem\.json: .*neither hexadecimal nor Base64/);
    await expect(run(["show", join(folder, "none")])).rejects.toThrow(/none cannot be read: no such file/);
  });
});

describe("profile check", () => {
  it("succeeds for packages without faults", async () => {
    const { out, code } = await run(["check", small, large]);
    expect({ out, code }).toEqual({
      out: `${small}: nothing found that a card refuses\n${large}: nothing found that a card refuses\n`,
      code: 0,
    });
  });

  it("fails when a card refuses one of them, and says which and why", async () => {
    const { out, code } = await run(["check", small, noEnd]);
    expect(code).toBe(1);
    expect(out).toContain(`${noEnd}: offset 890: refused: there is no end element`);
  });

  it("fails for a file that is not a package", async () => {
    const { out, code } = await run(["check", small, hardware]);
    expect(code).toBe(1);
    expect(out).toContain("modem.json: offset 0: refused: the text is neither");
  });

  it("judges for a card, and strictly on demand", async () => {
    const refused = await run(["check", small, "--card-version", "2.1"]);
    expect(refused).toMatchObject({
      code: 1,
      out: expect.stringContaining("[status 31: unsupported profile version]"),
    });
    process.exitCode = undefined;
    const lacks = await run(["check", small, "--lacks", "isim,milenage"]);
    expect(lacks).toMatchObject({ code: 1, out: expect.stringContaining("the card does not have service milenage") });
    process.exitCode = undefined;
    const free = ["check", small, "--free-memory", "1000"];
    expect((await run(free)).code).toBe(0);
    expect((await run([...free, "--strict"])).code).toBe(1);
  });

  it("gives findings as JSON", async () => {
    const { out } = await run(["check", noEnd], true);
    expect(JSON.parse(out)).toEqual([{ file: noEnd, findings: [expect.objectContaining({ severity: "refused" })] }]);
  });

  it("still checks the JSON of a hardware profile, with a notice", async () => {
    const { checked, err } = await run(["check", hardware]);
    expect(checked).toEqual([hardware]);
    expect(err).toContain("hardware-profile check");
  });
});

describe("profile diff", () => {
  it("succeeds for the same package in two forms", async () => {
    const other = file("small.txt", Buffer.from(packageOf("package-small")).toString("base64"));
    expect(await run(["diff", small, other])).toMatchObject({ code: 0, out: "the packages are the same\n" });
  });

  it("lists differences, secrets only on demand", async () => {
    const { out, code } = await run(["diff", small, large]);
    expect(code).toBe(1);
    expect(out).toContain("header: ICCID: 8900012846614985534 -> 8900012919489002253\n");
    expect(out).toContain("akaParameter: algorithm configuration / algorithm / K: differs\n");
    expect(out).not.toContain(k);
    expect((await run(["diff", small, large, "--reveal"])).out).toContain(k);
  });
});

it("control characters of a package do not reach the terminal", async () => {
  const octets = fromHex("A018800102810103820441 1B5B6D830A89000128466149855 34F".replaceAll(" ", ""));
  const { out } = await run(["show", file("control.der", octets)]);
  expect(out).toContain("A\\x1b[m");
});
