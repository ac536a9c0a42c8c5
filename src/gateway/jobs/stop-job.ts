import { endStates, type Job } from "../model/job.ts";
import type { Repositories, Store } from "../model/store.ts";
import { endOpenJob } from "./end-job.ts";
import { executedSoFar, type SoFar } from "./executed-so-far.ts";

/** Ends a job whose validity is over, with what is known of its packets; nothing of it is sent again. */
export function expireJob(store: Store, id: string, at: number): Promise<boolean> {
  return store.write((r) => expireJobIn(r, id, at));
}

/** {@link expireJob} as part of a unit of work. False when the job had ended. */
export async function expireJobIn(r: Repositories, id: string, at: number): Promise<boolean> {
  const job = await openJob(r, id);
  if (job === undefined) return false;
  const { left, ...facts } = await executedSoFar(r, job);
  const message = left ? unanswered(job, facts) : neverSent(job);
  const detail = left && job.note !== undefined ? { note: job.note } : {};
  return endOpenJob(r, at, job, { state: "expired", error: { code: "job.expired", message, ...facts, detail } });
}

/**
 * Cancels a job as part of a unit of work: whether anything of it left is decided where it ends. `ended` when it had ended;
 * with `unsentOnly`, `sent` when a packet may have left: the job goes on then.
 */
export async function cancelJobIn(
  r: Repositories,
  id: string,
  at: number,
  options: { readonly unsentOnly?: boolean; readonly why?: string } = {},
): Promise<"cancelled" | "ended" | "sent"> {
  const job = await openJob(r, id);
  if (job === undefined) return "ended";
  const { left, ...facts } = await executedSoFar(r, job);
  if (left && options.unsentOnly === true) return "sent";
  const how = left ? `cancelled after ${cancelledAfter(facts)}` : "cancelled before anything left";
  const message = options.why === undefined ? how : `${options.why}: ${how}`;
  await endOpenJob(r, at, job, { state: "cancelled", error: { code: "job.cancelled", message, ...facts, detail: {} } });
  return "cancelled";
}

async function openJob(r: Repositories, id: string): Promise<Job | undefined> {
  const job = await r.jobs.get(id);
  return job === undefined || endStates.includes(job.state) ? undefined : job;
}

function neverSent(job: Job): string {
  if (job.chosen?.bearer === "https") return "the card opened no session within the validity period";
  return `nothing was sent within the validity period${job.note === undefined ? "" : `: ${job.note}`}`;
}

type Facts = Omit<SoFar, "left">;

function cancelledAfter({ executed, executedCommands }: Facts): string {
  if (executed === "partly") return `the card ran ${commands(executedCommands)}`;
  return executed === false ? "the network lost a message of the packet" : "a packet may have left";
}

function commands(count = 0): string {
  return count === 1 ? "the first command" : `the first ${count} commands`;
}

function unanswered(job: Job, { executed, executedCommands }: Facts): string {
  if (executed === "partly")
    return `the card ran ${commands(executedCommands)}; no answer to the others within the validity period`;
  if (executed === false) return "the network lost a message of the packet, and the validity period ended";
  return job.chosen?.bearer === "https"
    ? "the card took the script and did not answer within the validity period"
    : "no answer within the validity period; whether the card ran it is unknown";
}
