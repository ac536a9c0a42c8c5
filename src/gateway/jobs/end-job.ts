import type { Clock } from "../../base/clock.ts";
import type { JobFailure, OpenFailure } from "../model/failure.ts";
import { endStates, type Job, type JobResult } from "../model/job.ts";
import type { PacketPatch } from "../model/packet.ts";
import type { Repositories, Store } from "../model/store.ts";
import { scriptCommands } from "../scripts/script-body.ts";
import { executedSoFar, withAnswered } from "./executed-so-far.ts";
import { afterEnd } from "./job-effects.ts";
import { waitsFor } from "./packet-order.ts";
import { channelEndsWith } from "./secure-channels.ts";

/** How a job ends. */
export interface JobEnd {
  readonly state: "done" | "failed" | "expired" | "cancelled";
  readonly result?: JobResult;
  readonly error?: JobFailure;
}

/** How a job is to end: a failure that says nothing of the card is completed by what the job sent until then. */
export type AskedEnd = Omit<JobEnd, "error"> & { readonly error?: OpenFailure };

/**
 * Ends a job, its packet and everything that follows from its result in one durable step. False when it had ended
 * before: a job ends exactly once.
 */
export type EndJob = (
  id: string,
  end: AskedEnd,
  packet?: { readonly id: string; readonly patch: PacketPatch },
) => Promise<boolean>;

/** {@link EndJob} over a store. */
export function endJobOver(store: Store, clock: Clock): EndJob {
  return (id, end, packet) => store.write((r) => endJobIn(r, clock.now(), id, end, packet));
}

/** {@link EndJob} as part of a unit of work. */
export async function endJobIn(
  r: Repositories,
  at: number,
  id: string,
  asked: AskedEnd,
  packet?: { readonly id: string; readonly patch: PacketPatch },
): Promise<boolean> {
  if (packet !== undefined) await r.packets.patch(packet.id, packet.patch);
  const job = await r.jobs.get(id);
  if (job === undefined || endStates.includes(job.state)) return false;
  return endOpenJob(r, at, job, asked);
}

/** Ends a job that was read in the same unit of work and has not ended. */
export async function endOpenJob(r: Repositories, at: number, job: Job, asked: AskedEnd): Promise<boolean> {
  const { id } = job;
  // What the first parts of a script answered stays its job's result, however that ends.
  const kept = job.result === undefined ? asked : { result: job.result, ...asked };
  const end = tolerated(job, await completed(r, job, kept));
  await r.jobs.patch(id, { ...end, endedAt: at });
  if (end.state !== "done" && mayHaveBroken(job, end)) await channelEndsWith(r, job, at);
  await afterEnd(r, job, end, at);
  if (job.attempts > 0) await r.jobs.letGo(job.target, waitsFor(id), at);
  await r.events.append({
    at,
    type: `job.${end.state}`,
    target: job.target,
    job: id,
    data: {
      origin: job.origin,
      ...(end.error === undefined ? {} : { error: { code: end.error.code, message: end.error.message } }),
      ...(end.result === undefined ? {} : { commands: end.result.commands.length }),
    },
  });
  return true;
}

/** The end with what is known of the card, by what this unit of work sees of the job's packets and answered parts. */
async function completed(r: Repositories, job: Job, { error, ...end }: AskedEnd): Promise<JobEnd> {
  if (error === undefined) return end;
  const executed = error.executed ?? (await executedSoFar(r, job)).executed;
  return { ...end, error: { ...error, ...withAnswered(job, executed) } };
}

/** Whether a job that did not succeed leaves its secure channel behind in a state that nobody knows. */
function mayHaveBroken(job: Job, end: JobEnd): boolean {
  return job.attempts > 0 && (end.state === "failed" || end.error?.executed !== false);
}

/** The end of a job whose last command failed in a way that is as good as success. */
function tolerated(job: Job, end: JobEnd): JobEnd {
  if (end.state !== "failed" || end.error?.code !== "job.script" || end.result === undefined) return end;
  const { command, sw } = end.error.detail;
  const last = scriptCommands(job.work).length;
  if (command !== last || typeof sw !== "string") return end;
  if (job.request.tolerate?.includes(sw) !== true && !confirmedBefore(job, sw)) return end;
  return { state: "done", result: end.result };
}

/**
 * A confirmation that had to be repeated because its answer was lost: the card does not know the notification any more,
 * so it has taken the first one.
 */
function confirmedBefore(job: Job, sw: string): boolean {
  const isConfirmation = job.work.kind !== "packet" && job.work.function?.name === "confirmNotification";
  return isConfirmation && job.attempts > 1 && sw === "6A88";
}
