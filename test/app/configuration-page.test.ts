import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { Config, parseConfig } from "../../src/app/config/config.ts";
import { packageRoot } from "../../src/app/version.ts";

const page = readFileSync(join(packageRoot, "docs", "configuration.md"), "utf8");

/** Every name of a key, at any depth. */
function names(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const here =
    "properties" in schema && typeof schema.properties === "object" ? Object.keys(schema.properties ?? {}) : [];
  return [...here, ...Object.values(schema).flatMap(names)];
}

it("names every key of the configuration", () => {
  const all = new Set(names(z.toJSONSchema(Config, { io: "input", unrepresentable: "any" })));
  expect(all.size).toBeGreaterThan(50);
  const headings = [...page.matchAll(/^## (.+)$/gm)].flatMap(([, heading = ""]) => heading.split(", "));
  const quoted = [...page.matchAll(/`([A-Za-z0-9.]+)`/g)].flatMap(([, name = ""]) => name.split("."));
  const told = new Set([...headings, ...quoted]);
  expect([...all].filter((name) => !told.has(name))).toEqual([]);
});

it("gives the example of the README to a daemon without complaint", async () => {
  const { parse } = await import("yaml");
  const readme = readFileSync(join(packageRoot, "README.md"), "utf8");
  const example = /```yaml\n([\s\S]+?)```/.exec(readme)?.[1] ?? "";
  expect(parseConfig(parse(example)).modems).toHaveLength(1);
});

it("links to pages that are there", () => {
  for (const file of ["README.md", "docs/configuration.md", "docs/architecture.md"]) {
    const text = readFileSync(join(packageRoot, file), "utf8");
    for (const [, link = ""] of text.matchAll(/\]\(([^)#:]+\.md)\)/g))
      expect(() => readFileSync(join(packageRoot, file, "..", link))).not.toThrow();
  }
});
