/** A profile switch from acceptance to its end. SGP.02 §3.2, §3.4 */
export type ProcedureState = "accepted" | "switched" | "confirmed" | "rolled-back" | "lapsed";

export interface Procedure {
  readonly id: string;
  readonly target: string;
  readonly job: string;
  readonly kind: "enable" | "disable";
  /** ISD-P that the function named. */
  readonly aid: string;
  /** ISD-P that the EIS had as enabled when it was accepted. */
  readonly from?: string;
  readonly at: ProcedureState;
  readonly acceptedAt: number;
  readonly switchedAt?: number;
  readonly endedAt?: number;
  /** Until when other jobs of the target wait for its end. */
  readonly holdUntil: number;
}

/** How long other jobs of a target wait for an accepted profile switch to end, unless its job says. */
export const defaultSwitchMs = 120_000;

export type ProcedureEvent =
  | { readonly kind: "notified"; readonly type: number; readonly at: number }
  | { readonly kind: "confirmed"; readonly at: number }
  | { readonly kind: "lapsed"; readonly at: number };

/** The next state; events that do not concern it leave it as it is. */
export function stepProcedure(now: Procedure, event: ProcedureEvent): Procedure {
  if (now.at === "confirmed" || now.at === "rolled-back") return now;
  switch (event.kind) {
    case "notified":
      if (event.type === 2 || event.type === 5)
        return { ...now, at: "switched", switchedAt: now.switchedAt ?? event.at };
      if (event.type === 3) return { ...now, at: "rolled-back", endedAt: event.at };
      return now;
    case "confirmed":
      return now.at === "switched" ? { ...now, at: "confirmed", endedAt: event.at } : now;
    case "lapsed":
      return now.at === "lapsed" ? now : { ...now, at: "lapsed", endedAt: event.at };
  }
}

/** Whether a profile switch of the target is open that its other jobs still wait for. */
export async function switchIsOpen(
  { procedures }: { readonly procedures: ProcedureRepository },
  target: string,
  now: number,
): Promise<boolean> {
  const procedure = await procedures.latest(target);
  return procedure !== undefined && procedure.endedAt === undefined && procedure.holdUntil > now;
}

export interface ProcedureRepository {
  put(procedure: Procedure): Promise<void>;
  /** The latest one of the target. */
  latest(target: string): Promise<Procedure | undefined>;
  /** Those that have not ended: accepted or switched. */
  open(): Promise<Procedure[]>;
  /** Newest first, of one target or of all, accepted before. */
  list(target: string | undefined, before: number | undefined, limit: number): Promise<Procedure[]>;
  ofJob(job: string): Promise<Procedure | undefined>;
}
