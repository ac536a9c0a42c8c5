import { expect, test } from "vitest";
import { soak } from "../../scripts/modem-soak.ts";
import { fullTests, testSeed } from "../seed.ts";

// Short and dense; `npx tsx scripts/modem-soak.ts --minutes 30` is the long form. The longer it lasts, the longer a job that
// was often refused waits until it is sent again.
const size = fullTests ? { seconds: 12, calmMs: 2_500 } : { seconds: 6, calmMs: 1_500, troubleMs: 2_200 };

test("loses no job, repeats none and gets every modem back although eight of them misbehave", async () => {
  const { jobs, done, unsure, lost, stuck, repeated, down, troubles } = await soak({
    ...size,
    seed: 19 + testSeed,
    answerTimeoutMs: 3_000,
  });
  expect({ lost, stuck, repeated, down }).toEqual({ lost: [], stuck: [], repeated: 0, down: [] });
  expect(done + unsure).toBe(jobs);
  expect(done).toBeGreaterThan(0);
  expect(Object.keys(troubles).length).toBeGreaterThan(8);
}, 120_000);
