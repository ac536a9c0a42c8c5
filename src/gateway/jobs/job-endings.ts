import type { ErrorCode } from "../../base/error-catalogue.ts";
import type { OpenFailure } from "../model/failure.ts";
import type { Job } from "../model/job.ts";
import type { JobEnd, OpenEnd } from "../model/job-end.ts";
import { scriptCommands } from "../scripts/script-body.ts";
import { type SoFar, withAnswered } from "./executed-so-far.ts";

/** The end of a job as it is stored: with the card's earlier answers and the facts about the card. */
export function closedEnd(job: Job, open: OpenEnd, soFar: SoFar): JobEnd {
  // The answers to the first parts of a script stay the job's result, however the job ends.
  const kept = job.result === undefined ? open : { result: job.result, ...open };
  const { error, ...end } = kept;
  if (error === undefined) return end;
  return tolerated(job, { ...end, error: { ...error, ...withAnswered(job, error.executed ?? soFar.executed) } });
}

/** The end of a job whose last command failed in a way that counts as success. */
function tolerated(job: Job, end: JobEnd): JobEnd {
  if (end.state !== "failed" || end.error?.code !== "job.script" || end.result === undefined) return end;
  const { command, sw } = end.error.detail;
  const last = scriptCommands(job.work).length;
  if (command !== last || typeof sw !== "string") return end;
  if (job.request.tolerate?.includes(sw) !== true && !confirmedBefore(job, sw)) return end;
  return { state: "done", result: end.result };
}

/**
 * A confirmation that was repeated because its answer was lost: the card no longer has the notification, so it has
 * accepted the first one.
 */
function confirmedBefore(job: Job, sw: string): boolean {
  const isConfirmation = job.work.kind !== "packet" && job.work.function?.name === "confirmNotification";
  return isConfirmation && job.attempts > 1 && sw === "6A88";
}

/** The failure of a job whose validity ended. */
export function expiry(job: Job, { left, ...facts }: SoFar): OpenFailure {
  const message = left ? unanswered(job, facts) : neverSent(job);
  const detail = left && job.note !== undefined ? { note: job.note } : {};
  return { code: "job.expired", message, ...facts, detail };
}

/** The failure of a job that was cancelled. */
export function cancellation(why: string | undefined, { left, ...facts }: SoFar): OpenFailure {
  const how = left ? `cancelled after ${cancelledAfter(facts)}` : "cancelled before anything was sent";
  return { code: "job.cancelled", message: why === undefined ? how : `${why}: ${how}`, ...facts, detail: {} };
}

function neverSent(job: Job): string {
  if (job.chosen?.bearer === "https") return "the card opened no session within the validity period";
  return `nothing was sent within the validity period${job.note === undefined ? "" : `: ${job.note}`}`;
}

type Facts = Omit<SoFar, "left">;

function cancelledAfter({ executed, executedCommands }: Facts): string {
  if (executed === "partly") return `the card executed ${commands(executedCommands)}`;
  return executed === false ? "the network lost a message of the packet" : "a packet may have been sent";
}

function commands(count = 0): string {
  return count === 1 ? "the first command" : `the first ${count} commands`;
}

function unanswered(job: Job, { executed, executedCommands }: Facts): string {
  if (executed === "partly")
    return `the card executed ${commands(executedCommands)}; no answer to the others within the validity period`;
  if (executed === false) return "the network lost a message of the packet, and the validity period ended";
  return job.chosen?.bearer === "https"
    ? "the card accepted the script and did not answer within the validity period"
    : "no answer within the validity period; whether the card executed it is unknown";
}

/** A failed end; without `facts`, the outcome on the card is left open. */
export function openFailed(
  code: ErrorCode,
  message: string,
  { detail = {}, ...facts }: Partial<Omit<OpenFailure, "code" | "message">> = {},
): OpenEnd {
  return { state: "failed", error: { code, message, ...facts, detail } };
}
