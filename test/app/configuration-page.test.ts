import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { Config, parseConfig } from "../../src/app/config/config.ts";
import { terminalSettings } from "../../src/app/reader-manager.ts";
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

it("accepts every setting that the page on the terminal names", () => {
  const text = readFileSync(join(packageRoot, "docs", "terminal.md"), "utf8");
  const keys = [...text.matchAll(/`((?:terminal|scp81)\.[A-Za-z0-9.]+)/g)].map(([, key = ""]) => key);
  expect(keys.length).toBeGreaterThan(6);
  const config = parseConfig({});
  expect(keys.filter((key) => valueAt(config, key) === undefined)).toEqual([]);
  // A setting is named with its section: a bare `key: value` is none that a configuration accepts.
  expect([...text.matchAll(/`[A-Za-z0-9]+:\s/g)].map(([bare]) => bare)).toEqual([]);
});

it("passes the settings of the terminal on", () => {
  const on = { display: true, answerReset: true, release18: true };
  expect(terminalSettings(parseConfig({ terminal: on }))).toMatchObject(on);
});

/** One entry where a section is a list. */
const configured = parseConfig({
  modems: [{ name: "m", port: "tty:/dev/ttyUSB0" }],
  upstream: [{ name: "u" }],
});

/** The value at `a.b` of a section. */
function valueAt(section: unknown, key: string): unknown {
  let value: unknown = Array.isArray(section) ? section[0] : section;
  for (const step of key.split("."))
    value =
      typeof value === "object" && value !== null
        ? Object.entries(value).find(([name]) => name === step)?.[1]
        : undefined;
  return value;
}

const rows = page.split(/^## /m).flatMap((part, index) => {
  const sections = index === 0 ? [""] : (part.split("\n")[0] ?? "").split(", ");
  return [...part.matchAll(/^\| (`[^|]+`) \| (`[^|]+`) \|/gm)].flatMap(([, keys = "", defaults = ""]) => {
    const values = defaults.split(/, (?=`)/).map((text) => text.replaceAll("`", ""));
    return keys.split(", ").map((key, at) => {
      const shown = values.length === 1 ? values[0] : values[at];
      return [sections, key.replaceAll("`", ""), shown ?? ""] as const;
    });
  });
});

it.each(rows)("%j %s: the default is %s", (sections, key, shown) => {
  const own = sections.map((name) => valueAt(name === "" ? configured : valueAt(configured, name), key));
  const found = own.filter((value) => value !== undefined);
  for (const value of found) expect(typeof value === "string" ? value : JSON.stringify(value)).toBe(shown);
});

it("compares most of the defaults", () => {
  expect(rows.length).toBeGreaterThan(30);
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
