import type { JobFailure, OpenFailure } from "./failure.ts";
import type { Job, JobResult } from "./job.ts";
import type { Repositories } from "./store.ts";

/** How a job ends. */
export interface JobEnd {
  readonly state: "done" | "failed" | "expired" | "cancelled";
  readonly result?: JobResult;
  readonly error?: JobFailure;
}

/**
 * How a job is to end; facts about the card that a failure leaves open follow from what the job has sent until then.
 */
export type OpenEnd = Omit<JobEnd, "error"> & { readonly error?: OpenFailure };

/** An effect of a job's end on other records, in the unit of work that ends it. `job` is the job as it was before. */
export type JobEndEffect = (r: Repositories, job: Job, end: JobEnd, at: number) => Promise<void>;
