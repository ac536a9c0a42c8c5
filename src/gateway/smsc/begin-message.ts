import type { Job } from "../model/job.ts";
import type { Handover, JobQueue } from "../model/new-job.ts";
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
  const begun: Handover[] = [];
  const letGo = () => {
    for (const one of begun.splice(0)) one.release();
  };
  try {
    const message = await store.write((r) => {
      // The unit of work may run a second time.
      letGo();
      return take(r, async (unit, job, target) => {
        const handover = await jobs.begin(unit, job, target);
        if (handover === undefined) await queueMessages(unit, job);
        else begun.push(handover);
      });
    });
    for (const one of begun) one.go();
    if (begun.length === 0 && message.job !== "") jobs.kick(message.target);
    return message;
  } catch (error) {
    letGo();
    throw error;
  }
}
