import { expect, it } from "vitest";
import { killTest, sound } from "../../scripts/kill-test.ts";
import { pcscLabProblem } from "../../simulators/pcsc-lab.ts";
import "./product.ts";

const problem = pcscLabProblem();
if (problem !== undefined) console.warn(`skipped: jobs across kill -9 (${problem})`);

it.skipIf(problem !== undefined)(
  "ends every job once and uses no counter twice although the daemon is killed again and again",
  async () => {
    const report = await killTest({ jobs: 20, cards: 2, kills: 3, seed: 20, print: () => undefined });
    expect(report).toMatchObject({ jobs: 20, kills: 3 });
    expect(sound(report), JSON.stringify(report)).toBe(true);
  },
  900_000,
);
