import { hasEnded, type Job } from "../model/job.ts";
import type { JobEventKind } from "./job-events.ts";

/**
 * The stage of a job: `reserved` has a route, a counter and a packet that may be sent at any moment; `sent` waits for
 * the answer to it; `session` waits for an SCP81 session; in `delivered` a session has handed the script to the card.
 */
export const jobStages = ["queued", "reserved", "sent", "session", "delivered", "ended"] as const;
export type JobStage = (typeof jobStages)[number];

/** The stage of a job, derived from its record. */
export function stageOf(job: Job): JobStage {
  if (hasEnded(job)) return "ended";
  if (job.state === "queued") return "queued";
  if (job.state === "running") return "reserved";
  if (job.chosen?.bearer !== "https") return "sent";
  return job.attempts === 0 ? "session" : "delivered";
}

const open = ["queued", "reserved", "sent", "session", "delivered"] as const;
const anyOpen = (to: readonly JobStage[]) => open.map((from) => ({ from, to }));

/**
 * The stages at which an event is accepted, and the stages that it leads to. Any other combination is refused. The
 * state diagram is drawn from this table.
 */
export const jobTransitions: Readonly<
  Record<JobEventKind, readonly { readonly from: JobStage; readonly to: readonly JobStage[] }[]>
> = {
  reserved: [{ from: "queued", to: ["reserved"] }],
  submitted: [{ from: "reserved", to: ["sent"] }],
  "submit-failed": [{ from: "reserved", to: ["queued", "sent", "ended"] }],
  "no-answer": [
    { from: "reserved", to: ["queued", "ended"] },
    { from: "sent", to: ["queued", "ended"] },
  ],
  answered: [
    { from: "queued", to: ["queued", "ended"] },
    { from: "reserved", to: ["reserved", "queued", "ended"] },
    { from: "sent", to: ["sent", "queued", "ended"] },
    { from: "session", to: ["session", "queued", "ended"] },
    { from: "delivered", to: ["delivered", "queued", "ended"] },
  ],
  noted: open.map((from) => ({ from, to: [from] })),
  deferred: [
    { from: "queued", to: ["queued"] },
    { from: "reserved", to: ["queued"] },
    { from: "sent", to: ["queued"] },
  ],
  due: [{ from: "queued", to: ["queued"] }],
  "session-chosen": [
    { from: "queued", to: ["session", "delivered"] },
    { from: "session", to: ["session"] },
    { from: "delivered", to: ["delivered"] },
  ],
  "session-missed": [{ from: "session", to: ["queued"] }],
  delivered: [
    { from: "session", to: ["delivered"] },
    { from: "delivered", to: ["delivered"] },
  ],
  interrupted: [
    { from: "reserved", to: ["queued"] },
    { from: "sent", to: ["queued"] },
  ],
  ended: anyOpen(["ended"]),
  expired: anyOpen(["ended"]),
  cancelled: anyOpen(["ended"]),
};

/** Whether an event is accepted at a stage. */
export function isTaken(kind: JobEventKind, stage: JobStage): boolean {
  return jobTransitions[kind].some(({ from }) => from === stage);
}
