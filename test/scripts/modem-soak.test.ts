import { expect, test } from "vitest";
import { soak } from "../../scripts/modem-soak.ts";

// Short and dense; `npx tsx scripts/modem-soak.ts --minutes 30` is the long form.
test("loses no job, repeats none and gets every modem back although eight of them misbehave", async () => {
  const { jobs, done, unsure, lost, stuck, repeated, down, troubles } = await soak({
    seconds: 12,
    seed: 20,
    answerTimeoutMs: 3_000,
    calmMs: 2_500,
  });
  expect({ lost, stuck, repeated, down }).toEqual({ lost: [], stuck: [], repeated: 0, down: [] });
  expect(done + unsure).toBe(jobs);
  expect(done).toBeGreaterThan(0);
  expect(Object.keys(troubles).length).toBeGreaterThan(8);
}, 120_000);
