import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { filesBelow } from "./sources.ts";

/** Each layer and what it may import, itself left out. */
const may: Readonly<Record<string, readonly string[]>> = {
  base: [],
  codec: ["base"],
  crypto: ["base", "codec"],
  link: ["base", "codec", "crypto"],
  gateway: ["base", "codec", "crypto", "link"],
  store: ["base", "gateway"],
  explain: ["base", "codec", "crypto"],
  face: ["base", "codec", "crypto", "link", "gateway", "explain"],
  app: ["base", "codec", "crypto", "link", "gateway", "store", "explain", "face", "lab", "drivers", "simulators"],
  lab: ["base", "codec", "crypto", "link", "gateway", "store", "explain", "face", "app", "drivers", "simulators"],
  drivers: ["base", "codec", "link"],
  simulators: ["base", "codec", "link"],
};
/** What one folder may import beyond its layer. */
const also: Readonly<Record<string, string>> = { "drivers/sim/": "simulators" };
/** Layers beside `src/`. */
const roots = ["drivers", "simulators"];
const layers = Object.keys(may);

function layerOf(path: string): string {
  const [root = "", folder = ""] = path.split("/");
  return roots.includes(root) ? root : folder;
}

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
    const wrong = filesBelow(["src", ...roots], /\.ts$/).flatMap(({ path, text }) =>
      [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].flatMap(([, imported = ""]) => {
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
