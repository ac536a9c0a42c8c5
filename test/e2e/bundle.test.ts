import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { ensureBuilt, usesProgram } from "./product.ts";

usesProgram();

interface BundledFile {
  readonly bytes: number;
  readonly inputs: readonly string[];
  readonly imports: readonly string[];
}

let files: Readonly<Record<string, BundledFile>> = {};

beforeAll(() => {
  ensureBuilt();
  files = JSON.parse(readFileSync(join(packageRoot, "dist", "bundle", "files.json"), "utf8"));
});

/** Sources that are loaded together with one: all of its own file, and of the files that this imports at once. */
function loadedWith(source: string): string[] {
  const waiting = Object.keys(files).filter((name) => files[name]?.inputs.includes(source));
  const seen = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(...(files[name]?.imports ?? []));
  }
  return [...seen].flatMap((name) => files[name]?.inputs ?? []);
}

const packagesOf = (sources: readonly string[]) => [
  ...new Set(sources.flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? [])),
];

describe("commands load what they need", () => {
  it.each([
    ["src/app/main.ts", []],
    ["src/app/connect.ts", []],
    // The parameters of ES5 functions are described with what reads their commands.
    ["src/face/cli/commands/offline/decode.ts", ["zod"]],
    ["src/face/cli/commands/job.ts", []],
    ["src/face/cli/commands/target.ts", []],
  ])(
    "%s loads of packages, beside the one that reads command lines, %j, and nothing of the daemon",
    (source, packages) => {
      const loaded = loadedWith(source);
      expect(loaded).toContain(source);
      expect(packagesOf(loaded).filter((name) => name !== "commander")).toEqual(packages);
      expect(loaded.filter((one) => /^src\/(gateway|store|link|face\/http|face\/smpp)\//.test(one))).toEqual([]);
    },
  );
});
