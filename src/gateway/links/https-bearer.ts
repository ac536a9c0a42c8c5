import type { Job } from "../model/job.ts";
import type { Target } from "../model/target.ts";
import type { HttpsState } from "./routing.ts";

/** The interface of SCP81 for the gateway; the composition root connects the server to it. */
export interface HttpsBearer {
  state(target: Target): HttpsState | Promise<HttpsState>;
  /**
   * Requests a session from the card, even when no job waits for one; repeated for this time until the session is open.
   */
  trigger(target: Target, forMs?: number): Promise<void>;
  /** Accepts the job: it is stored as `waiting`, and the administration session ends it. */
  enqueue(job: Job, target: Target, why: string): Promise<void>;
}
