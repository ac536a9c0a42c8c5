import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { testSeed } from "./test/seed.ts";
import { SeedReporter } from "./test/seed-reporter.ts";
import { SlowestFirst } from "./test/slowest-first.ts";
import { testGroups } from "./test/test-groups.ts";

const groups = testGroups(dirname(fileURLToPath(import.meta.url)));

const drawn = process.env.OTAGATE_TEST_SEED === "random";
// Every worker takes the seed that was drawn here.
process.env.OTAGATE_TEST_SEED = String(testSeed);
const maxWorkers = Number(process.env.OTAGATE_TEST_WORKERS ?? 2);
const report = process.env.OTAGATE_TEST_REPORT;

export default defineConfig({
  test: {
    ...(report === undefined ? {} : { outputFile: { json: report } }),
    reporters: ["default", new SeedReporter(testSeed, drawn), ...(report === undefined ? [] : ["json"])],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        extends: true,
        test: { name: "pure", include: groups.pure, isolate: false, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: "shared", include: groups.shared, isolate: false, maxWorkers, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: "isolated", include: groups.isolated, maxWorkers, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
