import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { pureTests } from "./test/pure-tests.ts";
import { testSeed } from "./test/seed.ts";
import { SeedReporter } from "./test/seed-reporter.ts";
import { SlowestFirst } from "./test/slowest-first.ts";

const pure = pureTests(dirname(fileURLToPath(import.meta.url)));

const drawn = process.env.OTAGATE_TEST_SEED === "random";
// Every worker takes the seed that was drawn here.
process.env.OTAGATE_TEST_SEED = String(testSeed);
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
        test: { name: "pure", include: pure, isolate: false, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: "whole",
          include: ["test/**/*.test.ts"],
          exclude: pure,
          maxWorkers: Number(process.env.OTAGATE_TEST_WORKERS ?? 2),
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
