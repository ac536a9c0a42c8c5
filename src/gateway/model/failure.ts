import type { GatewayError } from "../../base/gateway-error.ts";
import type { Job } from "./job.ts";
import { mayHaveLeft, type PacketRecord } from "./packet.ts";
import type { Repositories } from "./store.ts";

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

/** How far a job got. */
export interface SoFar extends ExecutedFacts {
  /** Some of it may have left. */
  readonly left: boolean;
}

/**
 * What is known of the card when nothing but the sending, and the answers to parts of a script, are known. To be read
 * where the job ends.
 */
export async function executedSoFar(r: Repositories, job: Job): Promise<SoFar> {
  if (job.chosen?.bearer === "https" && job.attempts > 0) return { left: true, ...withAnswered(job, "unknown") };
  const packets = await r.packets.ofJob(job.id);
  let executed: Executed = false;
  for (const packet of packets) if (await mayHaveRun(r, packet)) executed = "unknown";
  return { left: mayHaveLeft(packets), ...withAnswered(job, executed) };
}

/** What is known of a card that ran the answered parts of a job, when `executed` is known of what is left of it. */
export function withAnswered(job: Job, executed: Executed): ExecutedFacts {
  const executedCommands = job.result?.executed ?? 0;
  const partly = executedCommands > 0 && (executed === "unknown" || executed === false);
  return partly ? { executed: "partly", executedCommands } : { executed };
}

/** A packet of which the network lost a message cannot run, unless an earlier transmission got through. */
async function mayHaveRun(r: Repositories, { id, transmissions }: PacketRecord): Promise<boolean> {
  if (transmissions !== 1) return transmissions > 0;
  return (await r.packets.parts(id)).every(({ state }) => state !== "failed");
}

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
