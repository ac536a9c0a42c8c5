import type { Job } from "../model/job.ts";
import type { ProfileSwitch } from "../model/profile-switch.ts";
import type { Target } from "../model/target.ts";

/** What is known about a running item at one moment. */
export interface ItemFacts {
  readonly now: number;
  /** The job its phase waits for. */
  readonly job?: Job;
  /** The profile switch that the step's job started. */
  readonly profileSwitch?: ProfileSwitch;
  readonly target?: Target;
  readonly switchTimeoutMs: number;
  /** The gateway does not confirm notifications of this target. */
  readonly confirmedElsewhere: boolean;
}
