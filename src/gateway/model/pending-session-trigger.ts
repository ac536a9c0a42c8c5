/** A session that was asked for without a job: its trigger is repeated until the session is there or the time is over. */
export interface PendingSessionTrigger {
  readonly target: string;
  readonly since: number;
  readonly until: number;
}

export interface PendingSessionTriggerRepository {
  /** Stores it; one per target. */
  put(wanted: PendingSessionTrigger): Promise<void>;
  /** Removes this very order; one that has replaced it stays. */
  remove(wanted: PendingSessionTrigger): Promise<void>;
  list(): Promise<PendingSessionTrigger[]>;
}
