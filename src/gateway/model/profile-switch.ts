import type { JobId, SwitchId, TargetId } from "../../base/id.ts";
import type { Aid } from "../../codec/euicc/aid.ts";
import { unknownRecord } from "./identifiers.ts";

/** A profile switch from acceptance to its end. SGP.02 §3.2, §3.4 */
type ProfileSwitchState = "accepted" | "switched" | "confirmed" | "rolled-back" | "lapsed";

export interface ProfileSwitch {
  readonly id: SwitchId;
  readonly target: TargetId;
  readonly job: JobId;
  readonly kind: "enable" | "disable";
  /** ISD-P that the function named. */
  readonly aid: Aid;
  /** ISD-P that was enabled according to the EIS when the switch was accepted. */
  readonly from?: Aid;
  readonly at: ProfileSwitchState;
  readonly acceptedAt: number;
  readonly switchedAt?: number;
  readonly endedAt?: number;
  /** Until when other jobs of the target wait for its end. */
  readonly holdUntil: number;
}

/** How long other jobs of a target wait for an accepted profile switch to end, unless its job states. */
export const defaultSwitchMs = 120_000;

export type ProfileSwitchEvent =
  | {
      readonly kind: "notified";
      readonly type: number;
      /** ISD-P that the notification names as enabled. */
      readonly isdP?: Aid;
      readonly at: number;
    }
  | { readonly kind: "confirmed"; readonly at: number }
  | { readonly kind: "lapsed"; readonly at: number };

/** How a switch has ended; undefined while its notification or its confirmation is awaited. */
type SwitchOutcome = "confirmed" | "rolled-back" | "lapsed";

export function switchOutcome(now: ProfileSwitch): SwitchOutcome | undefined {
  return now.at === "accepted" || now.at === "switched" ? undefined : now.at;
}

/**
 * The next state; events that do not concern it leave it as it is. Lapsing is provisional: evidence that arrives later
 * corrects it. SGP.02 §3.2, §3.4
 */
export function stepProfileSwitch(now: ProfileSwitch, event: ProfileSwitchEvent): ProfileSwitch {
  if (now.at === "confirmed" || now.at === "rolled-back") return now;
  switch (event.kind) {
    case "notified":
      if (event.type === 3) return { ...now, at: "rolled-back", endedAt: event.at };
      if ((event.type !== 2 && event.type !== 5) || !namesItsProfile(now, event.isdP)) return now;
      if (now.at === "lapsed") return reopened(now, event.at);
      return { ...now, at: "switched", switchedAt: now.switchedAt ?? event.at };
    case "confirmed":
      return now.switchedAt === undefined ? now : { ...now, at: "confirmed", endedAt: event.at };
    case "lapsed":
      return now.at === "lapsed" ? now : { ...now, at: "lapsed", endedAt: event.at };
  }
}

/** Whether a notification that names this ISD-P can be the one of the switch; one that names none can. */
function namesItsProfile(now: ProfileSwitch, isdP: Aid | undefined): boolean {
  if (isdP === undefined) return true;
  return now.kind === "enable" ? isdP === now.aid : isdP !== now.aid;
}

/** A lapsed switch whose card reports late: its confirmation is awaited for the usual time. */
function reopened({ endedAt: _, ...lapsed }: ProfileSwitch, at: number): ProfileSwitch {
  const patienceMs = Math.max(lapsed.holdUntil - lapsed.acceptedAt, 0);
  return { ...lapsed, at: "switched", switchedAt: lapsed.switchedAt ?? at, holdUntil: at + patienceMs };
}

/** The profile switch of this id. @throws switch.unknown */
export async function requireSwitch(
  { profileSwitches }: { readonly profileSwitches: ProfileSwitchRepository },
  id: SwitchId,
): Promise<ProfileSwitch> {
  const found = await profileSwitches.get(id);
  if (found === undefined) throw unknownRecord("prc", id);
  return found;
}

/** Whether a profile switch of the target is open that its other jobs still wait for. */
export async function switchIsOpen(
  { profileSwitches }: { readonly profileSwitches: ProfileSwitchRepository },
  target: TargetId,
  now: number,
): Promise<boolean> {
  const profileSwitch = await profileSwitches.latest(target);
  return profileSwitch !== undefined && profileSwitch.endedAt === undefined && profileSwitch.holdUntil > now;
}

export interface ProfileSwitchRepository {
  put(profileSwitch: ProfileSwitch): Promise<void>;
  /** The latest one of the target. */
  latest(target: TargetId): Promise<ProfileSwitch | undefined>;
  /** Those that have not ended: accepted or switched. */
  open(): Promise<ProfileSwitch[]>;
  /** Newest first, of one target or of all, accepted before. */
  list(target: TargetId | undefined, before: number | undefined, limit: number): Promise<ProfileSwitch[]>;
  ofJob(job: JobId): Promise<ProfileSwitch | undefined>;
  get(id: SwitchId): Promise<ProfileSwitch | undefined>;
}
