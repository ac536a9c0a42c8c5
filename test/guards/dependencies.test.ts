import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { filesBelow } from "./sources.ts";

const read: {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
} = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));

/** Packages loaded by a name that is a parameter, and the file that has the name. */
const byParameter = { pcsclite: "drivers/pcsc/pcsclite-fallback.ts" } as const;

/** The packages that a source imports or requires: values, types and dynamic imports alike. */
function packagesOf(text: string): string[] {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, "");
  const paths = [
    ...code.matchAll(/\bfrom\s+"([^".][^"]*)"/g),
    ...code.matchAll(/\bimport\s+"([^".][^"]*)"/g),
    ...code.matchAll(/\bimport\(\s*"([^".][^"]*)"/g),
    ...code.matchAll(/\bcreateRequire\(import\.meta\.url\)\(\s*"([^".][^"]*)"/g),
  ].map(([, path = ""]) => path);
  return paths
    .filter((path) => !path.startsWith("node:"))
    .map((path) =>
      path
        .split("/")
        .slice(0, path.startsWith("@") ? 2 : 1)
        .join("/"),
    );
}

describe("the run-time dependencies", () => {
  it("are the packages that src, drivers and simulators import", () => {
    const sources = filesBelow(["src", "drivers", "simulators"], /\.ts$/);
    for (const [name, path] of Object.entries(byParameter))
      expect(sources.find((one) => one.path === path)?.text).toContain(`"${name}"`);
    const imported = new Set([...sources.flatMap(({ text }) => packagesOf(text)), ...Object.keys(byParameter)]);
    const listed = [...Object.keys(read.dependencies), ...Object.keys(read.optionalDependencies)];
    expect([...imported].sort()).toEqual(listed.sort());
  });

  it("are found in every form of import", () => {
    // Quoted otherwise, so that this file imports none of them.
    const text = [
      "import { a } from 'one';",
      "import type { B } from '@scope/two/deep.js';",
      "const c = await import('three');",
      "const d = createRequire(import.meta.url)('four');",
      "import 'five/register';",
      "import { e } from 'node:fs';",
      "import { f } from './f.ts';",
      "// import { g } from 'six';",
    ]
      .join("\n")
      .replaceAll("'", '"');
    expect(packagesOf(text).sort()).toEqual(["@scope/two", "five", "four", "one", "three"]);
  });
});
