import { writeAndHandOver } from "../jobs/hand-over.ts";
import type { Job } from "../model/job.ts";
import type { JobQueue } from "../model/new-job.ts";
import type { SmscMessage } from "../model/smsc-message.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { queueMessages } from "./segments.ts";

/** Stores the job of a message that is due: as under way if it can be sent at once, otherwise as queued. */
export type BeginJob = (r: Repositories, job: Omit<Job, "seq">, target: Target) => Promise<void>;

/** Stores a message with `take`, and runs its job once it is durable. */
export async function storeAndBegin(
  store: Store,
  jobs: JobQueue,
  take: (r: Repositories, begin: BeginJob) => Promise<SmscMessage>,
): Promise<SmscMessage> {
  let under = false;
  const message = await writeAndHandOver(store, (r, begun) => {
    under = false;
    return take(r, async (unit, job, target) => {
      const started = await jobs.begin(unit, job, target);
      if (started === undefined) return queueMessages(unit, job);
      begun(started.handover);
      under = true;
    });
  });
  if (!under && message.job !== undefined) jobs.kick(message.target);
  return message;
}
