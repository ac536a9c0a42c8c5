import { withoutUndefined } from "../../base/defined.ts";
import type { TargetId } from "../../base/id.ts";
import type { Job } from "../model/job.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { placesOf } from "./packet-order.ts";

/** Jobs of a target that are due, in order, with what was read along with them. */
export interface Look {
  readonly jobs: readonly Job[];
  /** When the queue was read. */
  readonly at: number;
  readonly target: Target | undefined;
  /** No other job is due. */
  readonly complete: boolean;
  /** The first of the target's jobs that wait for an SCP81 session. */
  readonly firstWaiting: Job | undefined;
}

/** A {@link Look} that was read from the store. */
export interface LookedUp extends Look {
  /** Until when normal jobs wait for the end of a profile switch; 0 when they do not wait. */
  readonly held: number;
  /** When the first queued job may run. */
  readonly wake?: number;
  /** When the next packet that has its place is due; other jobs may be held at that time. */
  readonly nextPlace?: number;
  /** The target has no open job. */
  readonly quiet: boolean;
}

/** Number of jobs that are read ahead. */
const few = 8;

/**
 * The jobs of a target that are to run now: packets that have left first, whatever their lane, since others wait for
 * their place; then the queue.
 */
export async function lookAtQueue(r: Repositories, target: TargetId, now: number): Promise<LookedUp> {
  if (!(await r.jobs.hasOpen(target)))
    return { jobs: [], at: now, held: 0, target: undefined, firstWaiting: undefined, complete: true, quiet: true };
  const held = await heldUntil(r, target);
  const places = await placesOf(r, target);
  const queued = places.filter(({ job }) => job.state === "queued").map(({ job }) => job);
  const placed = queued.find((job) => job.notBefore <= now);
  const jobs = placed === undefined ? await r.jobs.due(target, now, lanes(held > now), few) : [placed];
  const seen = { at: now, held, target: await r.targets.get(target) };
  const complete = placed === undefined && held <= now && jobs.length < few;
  if (jobs.length > 0) return { ...seen, jobs, complete, firstWaiting: await firstWaiting(r, target), quiet: false };
  const wake = await r.jobs.nextWake(target);
  const next = held > now && queued.length > 0 ? Math.min(...queued.map((job) => job.notBefore)) : undefined;
  const waiting = await firstWaiting(r, target);
  return {
    ...seen,
    jobs: [],
    complete,
    firstWaiting: waiting,
    ...withoutUndefined({ wake, nextPlace: next }),
    quiet: false,
  };
}

function lanes(held: boolean): readonly Job["lane"][] {
  return held ? ["system"] : ["system", "normal"];
}

async function firstWaiting(r: Repositories, target: TargetId): Promise<Job | undefined> {
  return (await r.jobs.waitingForSession(target, 1))[0];
}

async function heldUntil(r: Repositories, target: TargetId): Promise<number> {
  const latest = await r.profileSwitches.latest(target);
  return latest !== undefined && (latest.at === "accepted" || latest.at === "switched") ? latest.holdUntil : 0;
}
