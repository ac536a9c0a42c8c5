import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { describePackage } from "../../../src/codec/profile-package/describe.ts";
import { readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { registerProfile } from "../../../src/face/cli/commands/profile.ts";
import { packageOf } from "../../codec/profile-package/vectors.ts";
import { sink } from "./sink.ts";

const folder = mkdtempSync(join(tmpdir(), "personalize-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const template = file("template.der", packageOf("package-small"));
const key = "00112233445566778899AABBCCDDEEFF";

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
  await program.parseAsync(["profile", "personalize", template, ...args], { from: "user" });
  return { out: out.text(), err: err.text() };
}

async function refusal(args: readonly string[]) {
  try {
    await run(args);
  } catch (error) {
    if (isGatewayError(error)) return { code: error.code, message: error.message, detail: error.detail };
    throw error;
  }
  return undefined;
}

const factsOf = (path: string) => describePackage(readProfilePackage(readFileSync(path)));

describe("one package", () => {
  it("is written for the user alone, and the changes are listed without keys", async () => {
    const output = join(folder, "one.der");
    const secret = file("k.txt", `${key}\n`);
    const set = ["--set", "iccid=8900012000000000017", "imsi=001010000000013", `k=@${secret}`, `opc=${key}`];
    const { out } = await run([...set, "--output", output]);
    expect(factsOf(output)).toMatchObject({ iccid: "8900012000000000017", imsi: "001010000000013" });
    expect(statSync(output).mode & 0o777).toBe(0o600);
    expect(out).toContain(`${output}: ICCID 8900012000000000017, IMSI 001010000000013, 899 octets\n`);
    expect(out).toContain("algorithm / K: differs");
    expect(out).not.toContain(key);
    const odd = await run(["--set", "iccid=8900012000000000018", `k=${key}`, "--dry-run"]);
    expect(odd.out).toContain("note: the last digit of the ICCID is not its check digit\n");
    expect(odd.out).toContain("note: K is another one, and OPc stays that of the template\n");
    expect((await run([...set, "--dry-run", "--reveal"])).out).toContain(key);
  });

  it("a file that exists is replaced with --force only", async () => {
    const output = file("present.der", "x");
    expect(await refusal(["--set", "spn=A", "--output", output])).toMatchObject({ code: "api.usage" });
    expect(readFileSync(output, "utf8")).toBe("x");
    await run(["--set", "spn=A", "--output", output, "--force", "--hex"]);
    expect(readProfilePackage(fromHex(readFileSync(output, "utf8").trim())).trailing).toHaveLength(0);
  });

  it.each([
    [["--set", "spn=A"], "--output is required, or --dry-run"],
    [["--set", "spn", "--dry-run"], "--set: must be name=value"],
    [["--set", "k=1", "--set", "k=2", "--dry-run"], "--set: k is set twice"],
    [["--set", "imsy=1", "--dry-run"], "imsy is not the name of a value: is imsi meant?"],
    [["--set", `k=${key}00`, "--dry-run"], /^k: Milenage takes 16 octets, not 17, in element 7/],
  ])("refuses %j", async (args, message) => {
    const error = await refusal(args);
    expect(error?.message).toMatch(message);
    expect(JSON.stringify(error)).not.toContain(key);
  });
});

describe("a table", () => {
  const rows = ["8900012000000000017,001010000000013,1111", "8900012000000000025,001010000000024,"];

  it("gives a file for each line, named by ICCID", async () => {
    const output = join(folder, "made");
    const table = file(
      "table.csv",
      ["ICCID,IMSI,PIN1,Note,batch", ...rows.map((row) => `${row},x,y`), ""].join("\r\n"),
    );
    const { out } = await run(
      ["--from", table, "--ignore", "note,batch", "--set", "spn=Bench", "--output", output],
      true,
    );
    expect(readdirSync(output)).toEqual(["8900012000000000017.der", "8900012000000000025.der"]);
    const summary = JSON.parse(out);
    expect(summary.packages).toHaveLength(2);
    expect(summary.packages[1]).toMatchObject({
      line: 3,
      iccid: "8900012000000000025",
      imsi: "001010000000024",
      file: join(output, "8900012000000000025.der"),
      octets: 899,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(out).not.toContain("1111");
    expect(factsOf(join(output, "8900012000000000025.der")).imsi).toBe("001010000000024");
  });

  it("errors name line and column, and how many packages were written", async () => {
    const output = join(folder, "broken");
    const table = file(
      "broken.csv",
      ["iccid;imsi;k", `8900012000000000017;001010000000013;${key}`, `8900012000000000025;;${key}0`].join("\n"),
    );
    const error = await refusal(["--from", table, "--output", output]);
    expect(error).toMatchObject({
      code: "api.usage",
      message: `${table}: line 3, k: k: it has 33 hexadecimal digits; packages written before: 1`,
      detail: { line: 3, field: "k", written: 1 },
    });
    expect(readdirSync(output)).toEqual(["8900012000000000017.der"]);
  });

  it.each([
    [
      "an unknown column",
      "iccid,imsy",
      "line 1, column 2: imsy is not the name of a value: is imsi meant?; --ignore skips a column",
    ],
    ["a column twice", "iccid,k,K", "line 1, k: there are two columns of this name"],
    ["no ICCID", `imsi\n001010000000013`, "line 2, iccid: is required, since the file is named by it"],
    ["an ICCID twice", "iccid\n8900012000000000017\n8900012000000000017F", "line 3, iccid: line 2 has the same ICCID"],
    ["too many cells", "iccid\n8900012000000000017,1", "line 2: has more cells than columns"],
    ["an open quotation mark", 'iccid\n"89', "line 2: a quotation mark is not closed"],
    ["nothing", "", "line 1: the line with the names of the values is missing"],
    ["values instead of names", key, "line 1, column 1: a name is not that of a value; --ignore skips a column"],
  ])("refuses %s", async (name, content, message) => {
    const table = file(`${name}.csv`, content);
    const error = await refusal(["--from", table, "--dry-run"]);
    expect(error?.message).toBe(`${table}: ${message}`);
    expect(error?.detail).toMatchObject({ file: table });
    expect(JSON.stringify(error)).not.toContain(key);
  });

  it("a table that cannot be read is named; a dry run writes nothing", async () => {
    expect((await refusal(["--from", join(folder, "none.csv"), "--dry-run"]))?.message).toMatch(
      /none\.csv cannot be read: no such file/,
    );
    const output = join(folder, "dry");
    await run(["--from", file("dry.csv", `iccid,imsi,pin1\n${rows[0]}`), "--output", output, "--dry-run"]);
    expect(existsSync(output)).toBe(false);
  });
});
