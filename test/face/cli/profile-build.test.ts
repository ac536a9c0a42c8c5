import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { checkPackage } from "../../../src/codec/profile-package/check/check-package.ts";
import { describePackage } from "../../../src/codec/profile-package/describe.ts";
import { readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { registerProfile } from "../../../src/face/cli/commands/profile.ts";
import { packageOf } from "../../codec/profile-package/vectors.ts";
import { argumentsOf } from "../../scripts/printed-examples.ts";
import { sink } from "./sink.ts";

const folder = mkdtempSync(join(tmpdir(), "profile-build-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  process.exitCode = undefined;
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

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
  registerProfile(program.command("profile"), context, () => Promise.resolve());
  await program.parseAsync([...args], { from: "user" });
  return out.text();
}

const page = readFileSync(join(packageRoot, "docs", "profile-packages.md"), "utf8");
/** The first fenced block of a kind that begins with a text. */
const block = (kind: string, start: string) =>
  [...page.matchAll(/^```(\w+)\n(.*?)^```/gms)].find(
    ([, found, body = ""]) => found === kind && body.startsWith(start),
  )?.[2];

describe("docs/profile-packages.md", () => {
  file("operator-a.der", packageOf("package-small"));
  file("template.der", packageOf("package-large"));
  file("cards.csv", block("text", "ICCID,IMSI") ?? "");
  file("profile.yaml", block("yaml", "# profile.yaml") ?? "");
  file("k.txt", "00112233445566778899AABBCCDDEEFF\n");
  const examples = [...page.matchAll(/^```sh\n(.*?)^```/gms)]
    .flatMap(([, body = ""]) => body.split("\n"))
    .map((line) => line.replace(/\s+# .*$/, ""))
    .filter((line) => line.startsWith("otagate profile "));

  it("has examples of every command", () => {
    expect(new Set(examples.map((line) => line.split(" ")[2]))).toEqual(
      new Set(["show", "check", "diff", "personalize", "build"]),
    );
  });

  it.each(examples)("%s", async (line) => {
    const args = argumentsOf(line).map((word) =>
      /^@?[a-z-]+\.(?:der|csv|yaml|txt)$|^packages$|^named$/.test(word) ? word.replace(/^@?/, `$&${folder}/`) : word,
    );
    const placed = args.map((word) => word.replace(/=@([a-z]+\.txt)$/, `=@${folder}/$1`));
    expect(await run(placed)).not.toBe("");
  });

  it("a package of its description has nothing that a card refuses", () => {
    const octets = readFileSync(join(folder, "built.der"));
    expect(checkPackage(octets)).toEqual([]);
    expect(describePackage(readProfilePackage(octets))).toMatchObject({
      iccid: "8900012000000000017",
      imsi: "001010000000013",
      securityDomains: [{ keys: { length: 4 } }, { keys: { length: 4 } }],
    });
    expect(describePackage(readProfilePackage(readFileSync(join(folder, "second.der")))).imsi).toBe("001010000000024");
  });
});

describe("profile build", () => {
  const hex = (octet: string) => octet.repeat(16);
  const values = ["iccid=8900012000000000017", "imsi=001010000000013", `k=${hex("11")}`, `opc=${hex("22")}`];
  const codes = [
    "pin1=1234",
    "puk1=12345678",
    "adm1=87654321",
    ...["kic", "kid", "kik"].map((one) => `${one}=${hex("33")}`),
  ];
  const set = ["--set", ...values, ...codes];

  it("builds from flags alone, for the user alone, without printing keys", async () => {
    const output = join(folder, "flags.der");
    const shown = await run(
      ["profile", "build", ...set, `psk=${hex("44")}`, "--key-version", "0a", "--output", output],
      true,
    );
    expect(statSync(output).mode & 0o777).toBe(0o600);
    const found = JSON.parse(shown);
    expect(found).toMatchObject({ file: output, version: "2.3", findings: [], iccid: "8900012000000000017" });
    expect(found.securityDomains[0].keys.map((one: { version: string }) => one.version)).toEqual([
      "0A",
      "0A",
      "0A",
      "40",
    ]);
    for (const octet of ["11", "22", "33", "44"]) expect(shown).not.toContain(hex(octet));
  });

  it("flags take the place of what a JSON description has", async () => {
    const described = { format: "2.1", algorithm: "tuak", values: { k: hex("AA"), iccid: "8900012000000000025" } };
    const description = file("whole.json", JSON.stringify(described));
    const output = join(folder, "json.der");
    const flags = ["--algorithm", "milenage", "--ssd", "--key-type", "3des", "--output", output];
    const own = ["key.sd2.01.kic", "key.sd2.01.kid", "key.sd2.01.kik"].map((name) => `${name}=${hex("55")}`);
    await run(["profile", "build", description, ...set, ...own, ...flags]);
    expect(describePackage(readProfilePackage(readFileSync(output)))).toMatchObject({
      version: "2.1",
      iccid: "8900012000000000017",
      services: ["usim", "milenage"],
      securityDomains: [
        { keys: [{ components: [{ type: "80" }] }, {}, {}] },
        { keys: [{ components: [{ type: "88" }] }, {}, {}] },
      ],
    });
  });

  it.each([
    ["a wrong field", `formt: 2.3`, /formt: unknown field; did you mean 'format'\?$/],
    ["a wrong value of a field", `algorithm: comp128`, /algorithm: /],
    ["a name that no value has", `values: { imsy: 1 }`, /values: imsy is not the name of a value: is imsi meant\?$/],
    ["text that is no YAML", `values: { k: ${hex("77")}`, /cannot be read as YAML or JSON \(line 1\)$/],
    ["YAML inside YAML", "[".repeat(100), /is nested deeper than 64 levels/],
    ["a key version", "mnoSd: { keyVersion: zz }", /mnoSd\.keyVersion: must be 1 or 2 hexadecimal digits/],
    ["a value that is missing", "values: { iccid: 8900012000000000017 }", /^imsi is required$/],
  ])("refuses %s", async (_, text, message) => {
    const error = await run(["profile", "build", file("wrong.yaml", text), "--dry-run"]).catch(
      (thrown: unknown) => thrown,
    );
    if (!isGatewayError(error)) throw error;
    expect(error.message).toMatch(message);
    expect(JSON.stringify([error.message, error.detail])).not.toContain(hex("77"));
  });
});
