import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { TargetSettingsShape } from "../../src/gateway/targets/target-shape.ts";
import { Product, usesProgram } from "./product.ts";

usesProgram();

it("target set changes and removes settings, and target show prints them", async () => {
  await using product = new Product();
  const iccid = "8944501234567890123";
  expect((await product.run(["target", "add", "--iccid", iccid, "--name", "card"])).code).toBe(0);
  const set = ["target", "set", "card", "--script-format", "compact", "--reader", "pcsc:a", "--answer-timeout", "9"];
  expect(await product.run(set)).toMatchObject({ code: 0 });
  const { stdout } = await product.run(["target", "show", "card"]);
  expect(stdout).toMatch(/scriptFormat +compact\n/);
  expect(stdout).toMatch(/reader +pcsc:a\n/);
  expect(stdout).toMatch(/answerTimeoutMs +9000\n/);
  const unset = await product.run(["target", "set", "card", "--unset", "scriptFormat", "reader", "name"]);
  expect(unset).toMatchObject({ code: 0 });
  const shown = (await product.run(["target", "show", iccid, "--json"])).json<{
    name?: string;
    reach: object;
    settings: object;
  }>();
  expect(shown).toMatchObject({ reach: {}, settings: { answerTimeoutMs: 9000 } });
  expect([shown.name, Object.keys(shown.reach), Object.keys(shown.settings)]).toEqual([
    undefined,
    [],
    ["answerTimeoutMs"],
  ]);
  expect(await product.run(["target", "set", iccid, "--json"])).toMatchObject({ code: 2 });
  const bad = await product.run(["target", "set", iccid, "--spi", "zz"]);
  expect(bad).toMatchObject({ code: 2, stderr: expect.stringMatching(/^api\.usage: --spi: /) });
  const nothing = await product.run(["connectivity", "set", iccid]);
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining("at least one parameter") });
});

it("docs/api.md and target set have every setting", async () => {
  const page = readFileSync(join(packageRoot, "docs", "api.md"), "utf8");
  const names = Object.keys(TargetSettingsShape.shape);
  expect(names.length).toBeGreaterThan(8);
  expect(names.filter((name) => !page.includes(`\`settings.${name}\``))).toEqual([]);
  await using product = new Product();
  const { stdout } = await product.run(["target", "set", "--help"]);
  expect(names.filter((name) => !stdout.includes(`"${name}"`))).toEqual([]);
});
