import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { ensureBuilt, usesProgram } from "./product.ts";

usesProgram();

const folder = mkdtempSync(join(tmpdir(), "otagate-package-"));
const installed = join(folder, "node_modules", "otagate");
const env = { ...process.env, HOME: folder, XDG_STATE_HOME: join(folder, "state"), XDG_CONFIG_HOME: folder };

/** Unpacks the tarball as an installation does, with the dependencies that are here already. */
beforeAll(() => {
  ensureBuilt();
  const packed = spawnSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], {
    cwd: packageRoot,
    encoding: "utf8",
  });
  const tarball = join(folder, packed.stdout.trim().split("\n").at(-1) ?? "");
  mkdirSync(installed, { recursive: true });
  expect(spawnSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]).status).toBe(0);
  const modules = join(packageRoot, "node_modules");
  for (const name of readdirSync(modules)) {
    if (name.startsWith(".") || name === "otagate") continue;
    mkdirSync(dirname(join(folder, "node_modules", name)), { recursive: true });
    symlinkSync(join(modules, name), join(folder, "node_modules", name));
  }
  mkdirSync(join(folder, "node_modules", ".bin"));
  symlinkSync(join("..", "otagate", "bin", "otagate.js"), join(folder, "node_modules", ".bin", "otagate"));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npx = (...args: readonly string[]) =>
  spawnSync("npx", ["--no-install", "otagate", ...args], { cwd: folder, env, encoding: "utf8", timeout: 120_000 });

it("packs what it needs and nothing else", () => {
  expect(readdirSync(installed).sort()).toEqual(
    [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "docs",
      "hardware-profiles",
      "package.json",
      "packaging",
      "scenarios",
    ].sort(),
  );
});

it("runs from an empty folder with the package installed", () => {
  expect(npx("--version").stdout.trim()).toMatch(/^\d+\.\d+\.\d+/);
  expect(npx("hardware-profile", "list", "--json").status).toBe(0);
  expect(npx("decode", "89001012012341234012345678901224").stdout).toMatch(/EID/);
});

it("plays the demonstration in one process", () => {
  const demo = npx("demo", "--in-process", "--json");
  expect(demo.stderr).toBe("");
  const { checks } = JSON.parse(demo.stdout) as { checks: { what: string; held: boolean }[] };
  expect(checks.filter((check) => !check.held)).toEqual([]);
  expect(demo.status).toBe(0);
}, 150_000);
