import type { Job } from "../model/job.ts";
import type { OrderKey } from "../model/new-job.ts";
import type { Repositories } from "../model/store.ts";
import { step } from "./job-step.ts";

/** How long a job without a route is deferred, unless a link changes. */
export const blockedMs = 15_000;

/**
 * Accepts a job without a route as deferred, in one step, as part of a unit of work. Undefined, with nothing stored, if
 * that is refused.
 */
export async function deferNewJob(
  r: Repositories,
  accepted: Omit<Job, "seq">,
  note: string,
  key: OrderKey = {},
): Promise<Job | undefined> {
  const { id, target, origin, createdAt: at } = accepted;
  const taken = step({ ...accepted, seq: 0 }, { kind: "deferred", at, note, until: at + blockedMs });
  if ("refused" in taken) return undefined;
  const { job } = await r.jobs.insert(taken.job, key.idempotencyKey, key.idempotencyDigest);
  await r.events.append({ at, type: "job.queued", target, job: id, data: { origin } });
  return job;
}
