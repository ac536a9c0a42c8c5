import { withoutUndefined } from "../../base/defined.ts";
import { type ErrorCode, isErrorCode } from "../../base/error-catalogue.ts";
import type { ErrorDetail, GatewayError, SubmitFate } from "../../base/gateway-error.ts";

/**
 * Whether the card carried out the work of a failed job: `true` = all of it, `false` = none of it, `partly` = the
 * first commands ({@link ExecutedFacts.executedCommands} of them), `unknown` = a packet or script may have reached the
 * card and nothing proves what it did.
 */
export type Executed = boolean | "partly" | "unknown";

/** What a failure states about the card. Every failure of every code states it. */
export interface ExecutedFacts {
  readonly executed: Executed;
  /** How many commands the card carried out, from the first on; given with `partly`. */
  readonly executedCommands?: number;
}

/** Why a job did not end `done`. */
export interface JobFailure extends ExecutedFacts {
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether its last message may have left, if sending it is what failed. */
  readonly fate?: SubmitFate;
  /** Further facts for programs; nothing is decided by them. */
  readonly detail: ErrorDetail;
}

/** A failure that does not specify what the card did: that follows from what the job sent. */
export type OpenFailure = Omit<JobFailure, "executed" | "executedCommands"> & Partial<ExecutedFacts>;

/** An error as the failure of a job; what the card did is left open. */
export function openFailure({ code, message, detail, fate }: GatewayError): OpenFailure {
  return { code, message, detail, ...withoutUndefined({ fate }) };
}

/** A failure as it is stored and as answers show it: all its facts in one record. */
export interface WrittenFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: ErrorDetail & ExecutedFacts & Pick<JobFailure, "fate">;
}

/** A written failure as it comes from a store, which an earlier version may have written. */
export type StoredFailure = Omit<WrittenFailure, "code" | "detail"> & {
  readonly code: string;
  readonly detail: ErrorDetail;
};

/** The written form of a failure. */
export function writtenFailure({ code, message, detail, ...facts }: JobFailure): WrittenFailure {
  return { code, message, detail: { ...detail, ...facts } };
}

/** A failure from its stored form, with what earlier versions left out or wrote in other types. */
export function readFailure({ code, message, detail }: StoredFailure): JobFailure {
  const { executed, executedCommands, fate, ...facts } = detail;
  return {
    code: isErrorCode(code) ? code : "job.failed",
    message,
    ...executedFacts(executed, executedCommands),
    ...(fate === "not-sent" || fate === "unknown" ? { fate } : {}),
    detail: facts,
  };
}

function executedFacts(executed: unknown, commands: unknown): ExecutedFacts {
  if (executed === "partly") {
    return { executed, ...(typeof commands === "number" ? { executedCommands: commands } : {}) };
  }
  if (typeof executed === "boolean" || executed === "unknown") return { executed };
  if (typeof executed !== "number") return { executed: "unknown" };
  return executed === 0 ? { executed: false } : { executed: "partly", executedCommands: executed };
}
