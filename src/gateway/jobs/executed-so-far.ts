import type { Executed, ExecutedFacts } from "../model/failure.ts";
import type { Job } from "../model/job.ts";
import { mayHaveLeft, type PacketRecord } from "../model/packet.ts";
import type { Repositories } from "../model/store.ts";

/** The progress of a job. */
export interface SoFar extends ExecutedFacts {
  /** A part of it may have been sent. */
  readonly left: boolean;
}

/**
 * Facts about the card from what was sent and from the answers to parts of a script. Call it in the unit of work that
 * ends the job.
 */
export async function executedSoFar(r: Repositories, job: Job, packets: readonly PacketRecord[]): Promise<SoFar> {
  if (job.chosen?.bearer === "https" && job.attempts > 0) return { left: true, ...withAnswered(job, "unknown") };
  let executed: Executed = false;
  for (const packet of packets) if (await mayHaveRun(r, packet)) executed = "unknown";
  return { left: mayHaveLeft(packets), ...withAnswered(job, executed) };
}

/** Facts about a card that ran the answered parts of a job, where `executed` is the outcome of the rest. */
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
