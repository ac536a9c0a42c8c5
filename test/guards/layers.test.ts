import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { also, layerOf, layers, may, roots } from "./layers.ts";
import { moduleOf } from "./modules.ts";
import { filesBelow } from "./sources.ts";

/** A folder with the linter's configuration and, for each pair of layers, a file of the one that imports the other. */
function probes(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "otagate-layers-")));
  copyFileSync(join(packageRoot, "biome.json"), join(folder, "biome.json"));
  for (const layer of layers) {
    const place = join(folder, roots.includes(layer) ? layer : `src/${layer}`, "probe");
    mkdirSync(place, { recursive: true });
    for (const other of layers) {
      const root = roots.includes(layer) ? "../.." : "../../..";
      const target = roots.includes(other) ? `${root}/${other}` : `${root}/src/${other}`;
      writeFileSync(join(place, `${other}.ts`), `import { probe } from "${target}/probe/x.ts";\n\nprobe();\n`);
    }
  }
  return folder;
}

/** Pairs "layer imports other" that the linter refuses. */
function refusals(): Set<string> {
  const folder = probes();
  const biome = join(packageRoot, "node_modules", "@biomejs", "biome", "bin", "biome");
  const args = ["lint", "--max-diagnostics=none", "--reporter=github", "--only=style/noRestrictedImports", "."];
  const { stdout } = spawnSync(process.execPath, [biome, ...args], { cwd: folder, encoding: "utf8" });
  rmSync(folder, { recursive: true, force: true });
  const files = [...stdout.matchAll(/noRestrictedImports.*?file=([^,]+)/g)].map(([, file = ""]) => file);
  return new Set(
    files.map((file) => `${layerOf(relative(folder, resolve(folder, file)))} imports ${basename(file, ".ts")}`),
  );
}

describe("the one way of imports", () => {
  it("is kept by every file", () => {
    const wrong = filesBelow(["src", ...roots], /\.ts$/).flatMap((file) =>
      moduleOf(file).imports.flatMap(({ path: imported }) => {
        const { path } = file;
        const target = layerOf(join(path, "..", imported));
        const from = layerOf(path);
        const allowed = Object.entries(also).some(([folder, layer]) => path.startsWith(folder) && layer === target);
        return allowed || target === from || (may[from] ?? layers).includes(target) ? [] : [`${path}: ${imported}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("is enforced by the linter", () => {
    const pairs = layers.flatMap((layer) => layers.map((other) => ({ layer, other })));
    const forbidden = pairs.filter(({ layer, other }) => layer !== other && !(may[layer] ?? []).includes(other));
    const expected = forbidden.map(({ layer, other }) => `${layer} imports ${other}`);
    expect([...refusals()].sort()).toEqual(expected.sort());
  });
});
