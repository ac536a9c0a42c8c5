import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { cyclesOf, graphOf } from "./import-graph.ts";
import { layerOf, layers, may, roots } from "./layers.ts";
import { moduleOf } from "./modules.ts";
import { filesBelow } from "./sources.ts";

const files = filesBelow(["src", ...roots], /\.ts$/);
const graph = graphOf(files);

/** Rooms of the gateway, lowest first: a room imports only rooms before it. `docs/architecture.md` has the same order. */
const rooms = [
  "model",
  "access",
  "records",
  "retention",
  "scripts",
  "targets",
  "eis",
  "links",
  "jobs",
  "switches",
  "scp80",
  "downloads",
  "campaign",
  "upstream",
  "notifications",
  "smsc",
  "inbound",
  "scp81",
] as const;
/** The composition of the gateway, above all rooms. */
const composition = ["job-runner.ts", "job-effects.ts", "gateway.ts"] as const;

const gateway = "src/gateway/";
const maxFiles = 25;

/** Modules besides `src/base` that simulators may use: how octets are read, and the contracts of what they stand for. */
const simulatorModules = ["src/codec/kit/", "src/link/port.ts", "src/link/card-reader.ts"];

function roomOf(path: string): string {
  return path.slice(gateway.length).split("/")[0] ?? "";
}

describe("the import graph", () => {
  it("has no cycle among files, type imports counted", () => {
    expect(cyclesOf(graph)).toEqual([]);
  });

  it("has no cycle among layers", () => {
    expect(cyclesOf(new Map(Object.entries(may)))).toEqual([]);
    const between = new Map(layers.map((layer) => [layer, new Set<string>()]));
    for (const [path, targets] of graph)
      for (const to of targets) if (layerOf(to) !== layerOf(path)) between.get(layerOf(path))?.add(layerOf(to));
    expect(cyclesOf(new Map([...between].map(([layer, to]) => [layer, [...to]])))).toEqual([]);
  });

  it("goes down the rooms of the gateway", () => {
    const order: readonly string[] = [...rooms, ...composition];
    const inside = [...graph].filter(([path]) => path.startsWith(gateway));
    expect([...new Set(inside.map(([path]) => roomOf(path)))].sort()).toEqual([...order].sort());
    const upward = inside.flatMap(([path, targets]) =>
      targets
        .filter((to) => to.startsWith(gateway) && order.indexOf(roomOf(to)) > order.indexOf(roomOf(path)))
        .map((to) => `${path} imports ${to}`),
    );
    expect(upward).toEqual([]);
  });

  it("has the rooms of the gateway in the order that the architecture page gives", () => {
    const page = readFileSync(join(packageRoot, "docs", "architecture.md"), "utf8");
    const [, table = ""] = /## Rooms of the gateway\n([\s\S]*?)\n## /.exec(page) ?? [];
    const rows = [...table.matchAll(/^\| ((?:`[a-z0-9-]+`(?:, )?)+) \|/gm)].map(([, cell = ""]) => cell);
    expect(rows.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name))).toEqual([...rooms]);
  });

  it("lets simulators use only octets, codec kit and contracts", () => {
    const allowed = ["src/base/", "simulators/", ...simulatorModules];
    const others = [...graph].flatMap(([path, targets]) =>
      path.startsWith("simulators/")
        ? targets.filter((to) => !allowed.some((one) => to.startsWith(one))).map((to) => `${path} imports ${to}`)
        : [],
    );
    expect(others).toEqual([]);
  });

  it("counts imports of every kind", () => {
    // Quoted otherwise, so that this file imports none of them.
    const text = [
      "import { a } from './a.ts';",
      "import type {\n  B,\n} from './b.ts';",
      "export type { C } from './c.ts';",
      "export * from './d.ts';",
      "const e = await import('./e.ts');",
      "let f: import('./f.ts').F;",
      "import './g.ts';",
      "/* i */ import type { I } from './i.ts';",
      "const j = await import('./j.ts', {});",
      "const k = await import(`./k.ts`);",
      "// import { h } from './h.ts';",
      "import { z } from 'zod';",
    ]
      .join("\n")
      .replaceAll("'", '"');
    const found = moduleOf({ path: "x.ts", text }).imports.map(({ path }) => path);
    expect(found.sort()).toEqual([..."abcdefgijk"].map((name) => `./${name}.ts`));
    const circle = ["a", "b"].map((name, at) => ({
      path: `x/${name}.ts`,
      text: `import type { T } from '${["./b.ts", "./a.ts"][at]}';`.replaceAll("'", '"'),
    }));
    expect(cyclesOf(graphOf(circle))).toHaveLength(1);
  });
});

describe("rooms", () => {
  it(`have at most ${maxFiles} files each`, () => {
    const counts = new Map<string, number>();
    for (const { path } of files) {
      const folder = posix.dirname(path);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    const large = [...counts].filter(([, count]) => count > maxFiles).map(([folder]) => folder);
    expect(large.sort()).toEqual([]);
  });
});

describe("the facade of the gateway", () => {
  const faces = files.filter(({ path }) => /^src\/(face|lab)\//.test(path));

  it("is all that faces and the lab reach: no store, no repository", () => {
    const stores = faces.filter(
      ({ path: file, text }) =>
        moduleOf({ path: file, text }).imports.some(({ path }) => /\/gateway\/model\/store\.ts$/.test(path)) ||
        /\b\w*Repositor(y|ies)\b/.test(text.replace(/^\s*(\/\/|\/?\*).*$/gm, "")) ||
        /\b(store|gateway)\.(read|write|onEvents|store)\(/.test(text),
    );
    expect(stores.map(({ path }) => path)).toEqual([]);
  });

  it("is the only place that makes use cases for faces", () => {
    const made = faces.flatMap(({ path, text }) =>
      [
        ...text.matchAll(/\bnew (Gateway|Jobs|Targets|Campaigns|CardAudits|EisRecords|CardLeases|ApiTokens|Pruner)\(/g),
      ].map(([, name]) => `${path} makes ${name}`),
    );
    expect(made).toEqual([]);
  });

  it("shows use cases only: no store, clock or log", () => {
    const text = readFileSync(join(packageRoot, gateway, "gateway.ts"), "utf8");
    const [, body = ""] = /export class Gateway \{([\s\S]*?)\n {2}constructor/.exec(text) ?? [];
    const shown = [...body.matchAll(/^ {2}(?:readonly )?([a-zA-Z]\w*)(?:: (\w+)| = new (\w+))/gm)];
    expect(shown.length).toBeGreaterThan(10);
    for (const [, name = "", type, made] of shown)
      expect(text, name).toMatch(new RegExp(`import .*\\b${type ?? made}\\b.* from "\\./[a-z0-9]+/`));
    expect(shown.map(([, , type]) => type).filter((type) => type === "Store" || type === "Clock")).toEqual([]);
  });
});
