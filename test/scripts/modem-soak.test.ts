import { expect, test } from "vitest";
import { soak } from "../../scripts/modem-soak.ts";

test("loses no job, repeats none and gets every modem back although eight of them misbehave", async () => {
  const { jobs, done, unsure, lost, stuck, repeated, down } = await soak({ seconds: 120, seed: 20 });
  expect({ lost, stuck, repeated, down }).toEqual({ lost: [], stuck: [], repeated: 0, down: [] });
  expect(done + unsure).toBe(jobs);
  expect(done).toBeGreaterThan(0);
}, 400_000);
