import type { Job } from "../model/job.ts";
import type { Target } from "../model/target.ts";
import type { HttpsState } from "./routing.ts";

/** SCP81 as the gateway sees it; the composition root plugs the server in. */
export interface HttpsBearer {
  state(target: Target): HttpsState | Promise<HttpsState>;
  /** Asks the card for a session, also when nothing waits for one; again and again for so long until it is there. */
  trigger(target: Target, forMs?: number): Promise<void>;
  /** Takes the job over: it is durable as `waiting` and will be ended by the administration dialog. */
  enqueue(job: Job, target: Target, why: string): Promise<void>;
}
