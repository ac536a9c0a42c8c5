import type { TargetId } from "../../base/id.ts";
/** A session that was requested without a job: its trigger is repeated until the session opens or the time ends. */
export interface PendingSessionTrigger {
  readonly target: TargetId;
  readonly since: number;
  readonly until: number;
}

export interface PendingSessionTriggerRepository {
  /** Stores it; one per target. */
  put(wanted: PendingSessionTrigger): Promise<void>;
  /** Removes exactly this order; one that has replaced it stays. */
  remove(wanted: PendingSessionTrigger): Promise<void>;
  list(): Promise<PendingSessionTrigger[]>;
}
