import { isGatewayError } from "../../base/gateway-error.ts";
import { swOf } from "../../codec/apdu/status-word.ts";
import { splitResponses } from "../../codec/ota/script-response.ts";
import type { DownloadFailure } from "../model/download.ts";
import type { JobFailure } from "../model/failure.ts";
import type { CommandResult, Job } from "../model/job.ts";
import { type ExecutedCommand, executedCommands } from "../scripts/executed-commands.ts";

/** What a job of a download brought from the card. */
export type StepAnswer =
  | {
      readonly kind: "answered";
      readonly commands: readonly CommandResult[];
      readonly executed: readonly ExecutedCommand[];
      /** Answers to the scripts of the job, in order; those of SMS are one. */
      readonly bodies: readonly Uint8Array[];
    }
  /** Nothing of the step has reached the card. */
  | { readonly kind: "not-sent"; readonly why: JobFailure; readonly state: "failed" | "expired" | "cancelled" }
  /** There is no such security domain on the card. */
  | { readonly kind: "unknown-application" }
  /** The card may have executed the step, or the first scripts of it. */
  | { readonly kind: "lost"; readonly why: JobFailure };

const unknownFailure: JobFailure = {
  code: "job.failed",
  message: "no reason is stored",
  executed: "unknown",
  detail: {},
};

/** The answer that an ended job has. */
export function stepAnswer(job: Job): StepAnswer {
  if (job.state === "done") return answered(job);
  const why = job.error ?? unknownFailure;
  if (why.code === "job.script" && job.result?.data !== undefined) return answered(job);
  if (why.code === "scp81.protocol" && job.result?.data !== undefined) return answered(job);
  if (why.code === "scp81.rejected" && why.detail.scriptStatus === "unknown-application")
    return job.result?.data === undefined ? { kind: "unknown-application" } : { kind: "lost", why };
  if (why.executed === false) {
    const state = job.state === "expired" || job.state === "cancelled" ? job.state : "failed";
    return { kind: "not-sent", why, state };
  }
  return { kind: "lost", why };
}

function answered(job: Job): StepAnswer {
  const commands = job.result?.commands ?? [];
  const executed = executedCommands(job.work, commands);
  return { kind: "answered", commands, executed, bodies: bodiesOf(job.result?.data) };
}

function bodiesOf(data: Uint8Array | undefined): readonly Uint8Array[] {
  if (data === undefined) return [];
  try {
    return splitResponses(data);
  } catch (error) {
    if (isGatewayError(error)) return [data];
    throw error;
  }
}

/** The R-APDU of the last command. */
export function lastCommand({ commands }: Extract<StepAnswer, { kind: "answered" }>) {
  const last = commands.at(-1);
  return last === undefined ? undefined : { data: last.data, sw: swOf(last.sw) };
}

/** A step that did not reach the card. */
export function notSent(step: string, { why, state }: Extract<StepAnswer, { kind: "not-sent" }>): DownloadFailure {
  if (state === "cancelled") return { kind: "cancelled", message: "the download was cancelled" };
  return { kind: "broken", message: `${step} did not reach the card: ${why.message}`, detail: { code: why.code } };
}
