import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { pureTests } from "./test/pure-tests.ts";
import { SlowestFirst } from "./test/slowest-first.ts";

const pure = pureTests(dirname(fileURLToPath(import.meta.url)));

export default defineConfig({
  test: {
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
