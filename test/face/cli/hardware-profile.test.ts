import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { asGatewayError } from "../../../src/base/gateway-error.ts";
import { registerHardwareProfile } from "../../../src/face/cli/commands/hardware-profile.ts";
import { sink } from "./sink.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "profile-check-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const acme = {
  name: "acme-old",
  title: "Acme old",
  extends: "3gpp",
  match: { model: "^ACME OLD$" },
  sources: [{ id: "memory", kind: "memory", title: "x" }],
  verified: [],
};

/** Runs `hardware-profile …` with the files of the folder as the user's own. */
async function run(args: readonly string[], err = sink()): Promise<{ readonly out: string; readonly err: string }> {
  const out = sink();
  const program = new Command("otagate").exitOverride();
  const context = {
    terminal: { out: out.stream, err: err.stream, fancy: false, json: false },
    connect: () => Promise.reject(new Error("not connected")),
    trace: () => false,
    onInterrupt: () => ({ [Symbol.dispose]: () => {} }),
    env: {},
  };
  registerHardwareProfile(program.command("hardware-profile"), context, () => [folder]);
  await program.parseAsync(["hardware-profile", ...args], { from: "user" });
  return { out: out.text(), err: err.text() };
}

function write(name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe("a user's own profile", () => {
  test("with fields that nothing reads is valid, with a warning for each", async () => {
    const path = write("old.json", { ...acme, card: { files: "crsm" }, capabilities: { bip: "unknown" } });
    const checked = await run(["check", path]);
    expect(checked.out).toContain("acme-old is valid");
    expect(checked.err.split("\n").filter(Boolean)).toEqual([
      `warning: ${path}: /card/files: nothing reads this field: remove it`,
      `warning: ${path}: /capabilities: nothing reads this field: remove it`,
    ]);
    const listed = await run(["list"]);
    expect(listed.out).toContain("acme-old");
    expect(listed.err).toContain(`warning: ${path}: /card/files: nothing reads this field any longer`);
  });

  test("without such fields is valid and prints no warning", async () => {
    const { out, err } = await run(["check", write("new.json", acme)]);
    expect([out.includes("acme-old is valid"), err]).toEqual([true, ""]);
  });

  test("that claims devices of another one is refused: each device once, and the warning is printed", async () => {
    const shipped = readFileSync(`${packageRoot}/hardware-profiles/modems/quectel/bg95.json`, "utf8");
    const path = write("mine.json", { ...JSON.parse(shipped), name: "mine", capabilities: [] });
    const err = sink();
    const refused = await run(["check", path], err).catch((error: unknown) => error);
    const { problems } = asGatewayError(refused).detail;
    const claimed = Array.isArray(problems) ? problems.map(String) : [];
    expect(claimed.filter((one) => one.includes("also matches"))).not.toEqual([]);
    expect(claimed).toEqual([...new Set(claimed)]);
    expect(err.text()).toContain(`warning: ${path}: /capabilities: nothing reads this field: remove it`);
  });

  test("with unknown fields is refused: each is named, with the nearest that there is", async () => {
    const path = write("typo.json", { ...acme, frobb: 1, titel: "x", sms: { zork: 1 }, card: { maxdata: 200 } });
    const problems = [
      { at: "/card/maxdata", problem: "unknown field; did you mean 'maxData'?" },
      { at: "/sms/zork", problem: "unknown field" },
      { at: "/frobb", problem: "unknown field" },
      { at: "/titel", problem: "unknown field; did you mean 'title'?" },
    ];
    await expect(run(["check", path])).rejects.toMatchObject({
      code: "profile.invalid",
      message: expect.stringContaining("/card/maxdata: unknown field; did you mean 'maxData'?"),
      detail: { problems: expect.arrayContaining(problems) },
    });
  });
});
