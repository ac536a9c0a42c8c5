// Types, lint, then every test; ends with one plain line that counts them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name) => join(root, "node_modules", ".bin", name);
const folder = mkdtempSync(join(tmpdir(), "otagate-test-"));
const report = join(folder, "report.json");
// Most tests wait: for processes, timers, the disk. Two at a time per processor keep it busy.
const env = { OTAGATE_TEST_WORKERS: String(2 * availableParallelism()), OTAGATE_TEST_REPORT: report, ...process.env };
const run = (command, args) =>
  spawnSync(command, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] }).status ?? 1;

const types = run(bin("tsc"), ["-p", "tsconfig.json"]);
const lint = run(bin("biome"), ["check", "--error-on-warnings"]);
const tests = run(bin("vitest"), ["run", ...process.argv.slice(2)]);
let passed = 0;
let failed = tests === 0 ? 0 : 1;
let skipped = 0;
try {
  const counts = JSON.parse(readFileSync(report, "utf8"));
  passed = counts.numPassedTests;
  failed = counts.numFailedTests + (tests !== 0 && counts.numFailedTests === 0 ? 1 : 0);
  skipped = counts.numPendingTests + (counts.numTodoTests ?? 0);
} catch {
  process.stderr.write("the test runner left no report\n");
}
rmSync(folder, { recursive: true, force: true });
if (types !== 0) process.stderr.write("type check failed\n");
if (lint !== 0) process.stderr.write("lint failed\n");
process.stdout.write(`\n${passed} passed, ${failed + (types ? 1 : 0) + (lint ? 1 : 0)} failed, ${skipped} skipped\n`);
process.exit(types || lint || tests ? 1 : 0);
