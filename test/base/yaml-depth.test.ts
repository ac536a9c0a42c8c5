import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadConfig } from "../../src/app/config/config.ts";
import { yamlTooDeep } from "../../src/base/yaml-depth.ts";
import { parseScenario } from "../../src/lab/scenario/scenario.ts";

const deep = [
  "[".repeat(100_000),
  "{a: ".repeat(5000),
  `${"- ".repeat(20_000)}a`,
  `${" ".repeat(600)}a: 1`,
  `a: ${"[".repeat(65)}`,
];

it.each(deep.map((text) => [text.slice(0, 20), text] as const))(
  "a YAML file that is nested too deep is refused: %s",
  (_name, text) => {
    expect(yamlTooDeep(text)).toContain("64 levels");
    const folder = mkdtempSync(join(tmpdir(), "otagate-yaml-"));
    try {
      const file = join(folder, "config.yaml");
      writeFileSync(file, text);
      expect(() => loadConfig(file, {})).toThrow(expect.objectContaining({ code: "config.invalid" }));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(() => parseScenario(text, "x.yaml")).toThrow(expect.objectContaining({ code: "scenario.invalid" }));
  },
);

it("what is written by hand is not", () => {
  for (const text of ["a:\n  - - b\n  - {c: [1, 2]}\n", "", "a: ']]]]'\n", "[".repeat(64) + "]".repeat(64)])
    expect(yamlTooDeep(text)).toBeUndefined();
});
