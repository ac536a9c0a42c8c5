import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../src/app/version.ts";

const loader = join(packageRoot, "bin", "code-cache.cjs");

/** A bundle of two files in a circle, and what a process prints that loads it. */
function bundle() {
  const folder = mkdtempSync(join(tmpdir(), "code-cache-"));
  const cache = join(folder, "cache");
  writeFileSync(
    join(folder, "main.cjs"),
    'exports.name = "main"; const other = require("./other.cjs"); exports.main = () => other.text();',
  );
  writeFileSync(
    join(folder, "other.cjs"),
    'const { basename } = require("node:path"); const main = require("./main.cjs"); exports.text = () => [main.name, basename(__filename)].join(" ");',
  );
  const program = `const { main } = require(${JSON.stringify(loader)}).loadCached(${JSON.stringify(join(folder, "main.cjs"))}, ${JSON.stringify(cache)}, "test"); console.log(main());`;
  const run = () => {
    const { stdout, stderr, status, signal } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
    return { stdout, stderr, status, signal };
  };
  const kept = () => {
    const [code = ""] = readdirSync(cache);
    return readdirSync(join(cache, code)).map((name) => join(cache, code, name));
  };
  return { folder, cache, run, kept };
}

const good = { stdout: "main other.cjs\n", stderr: "", status: 0, signal: null };

test("compiled code is kept for its owner only, and used again", () => {
  const { run, kept } = bundle();
  expect(run()).toEqual(good);
  const first = kept();
  expect(first.map((path) => path.replace(/^.*\//, "")).sort()).toEqual([
    expect.stringMatching(/^main\.cjs-[0-9a-f]+$/),
    expect.stringMatching(/^other\.cjs-[0-9a-f]+$/),
  ]);
  expect(first.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
  const written = first.map((path) => statSync(path).ino);
  expect(run()).toEqual(good);
  expect(kept().map((path) => statSync(path).ino)).toEqual(written);
});

test("damaged code is compiled again", () => {
  const { run, kept } = bundle();
  run();
  for (const change of [
    (code: Buffer) => code.fill(0x55, 64, code.length - 4),
    (code: Buffer) => code.subarray(0, 90),
    () => "",
  ]) {
    const before = kept().map((path) => readFileSync(path));
    for (const path of kept()) writeFileSync(path, change(readFileSync(path)));
    expect(run()).toEqual(good);
    expect(kept().map((path) => readFileSync(path).length)).toEqual(before.map((code) => code.length));
  }
});

test("a folder that others can write to is neither read nor written", () => {
  const { cache, run, kept } = bundle();
  run();
  for (const path of kept()) writeFileSync(path, "");
  chmodSync(cache, 0o777);
  expect(run()).toEqual(good);
  expect(kept().map((path) => readFileSync(path, "utf8"))).toEqual(["", ""]);
});

test("a folder that cannot be looked at, or is none, keeps nothing", () => {
  const { folder, cache, run } = bundle();
  writeFileSync(cache, "");
  expect(run()).toEqual(good);
  rmSync(cache);
  symlinkSync("cache", cache);
  expect(run()).toEqual(good);
  expect(readdirSync(folder).sort()).toEqual(["cache", "main.cjs", "other.cjs"]);
});

test("code of the same length and time is not taken for another", () => {
  const { folder, run } = bundle();
  const main = join(folder, "main.cjs");
  const { atime, mtime } = statSync(main);
  run();
  writeFileSync(main, readFileSync(main, "utf8").replace('"main"', '"MAIN"'));
  utimesSync(main, atime, mtime);
  expect(run()).toEqual({ ...good, stdout: "MAIN other.cjs\n" });
});
