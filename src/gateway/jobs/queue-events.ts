import type { GatewayEvent } from "../model/event.ts";

/**
 * Whether a target's queue is to be examined after an event: the gateway itself queued a job, which nothing else
 * starts, or a job ended, so that jobs waiting for the place of its packet may leave.
 */
export function concernsQueue({ type, data }: GatewayEvent): boolean {
  if (endsJob(type)) return true;
  const { origin } = data;
  const face = typeof origin === "object" && origin !== null && "face" in origin ? origin.face : undefined;
  return type === "job.queued" && face === "system";
}

/** Whether an event of this type is the end of a job. */
export function endsJob(type: string): boolean {
  return type === "job.done" || type === "job.failed" || type === "job.expired" || type === "job.cancelled";
}
