import type { GatewayError } from "../../base/gateway-error.ts";

/**
 * Whether the card carried out what a failed job asked for: `true` = all of it, `false` = none of it, `partly` = the
 * first commands ({@link FailureDetail.executedCommands} of them), `unknown` = a packet or script may have reached the
 * card and nothing proves what it did.
 */
export type Executed = boolean | "partly" | "unknown";

/** Facts of a failure. Every failure of every code says whether the card carried the work out. */
export interface FailureDetail {
  readonly executed: Executed;
  /** How many commands the card carried out, from the first on; given with `partly`. */
  readonly executedCommands?: number;
  readonly [fact: string]: unknown;
}

/** Why a job did not end `done`. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  readonly detail: FailureDetail;
}

/** A failure of which what the card did is not said: it follows from what the job sent. */
export interface OpenFailure {
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>> & { readonly executed?: Executed };
}

/** An error as the failure of a job; what it says of the card itself is not taken over. */
export function openFailure(error: GatewayError): OpenFailure {
  const { executed, executedCommands, ...detail } = error.detail;
  return { code: error.code, message: error.message, detail };
}

/** What a failure says of the card. */
export type ExecutedFacts = Pick<FailureDetail, "executed" | "executedCommands">;

/** A failure as it was stored, with what earlier versions left out or told in other types. */
export function storedFailure(stored: OpenFailure): JobFailure {
  const { detail } = stored;
  return { ...stored, detail: { ...detail, ...executedFacts(detail.executed) } };
}

function executedFacts(executed: unknown): ExecutedFacts {
  if (typeof executed === "boolean" || executed === "partly" || executed === "unknown") return { executed };
  if (typeof executed !== "number") return { executed: "unknown" };
  return executed === 0 ? { executed: false } : { executed: "partly", executedCommands: executed };
}
