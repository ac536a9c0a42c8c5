import type { TargetId } from "../../base/id.ts";
import type { Job } from "../model/job.ts";
import { type KeySetInfo, servesTar } from "../model/key-set.ts";
import { switchIsOpen } from "../model/profile-switch.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { segmentsOf } from "../scp80/secured-packet.ts";
import { channelUse, targetedApplication } from "../scripts/secure-channel-use.ts";

/** How long a job that may use either bearer waits for a session; half of a short validity. */
const patienceMs = 120_000;
const maxSegments = 255;
const maxJobs = 1000;

/** Dependencies besides the store. */
interface BearerFallbackDeps {
  /** Whether a reader, modem or SMSC would carry the job now. */
  readonly bySms: (job: Job, target: Target) => boolean;
}

/** Until when a job that is queued for a session now waits for it, if it may use another bearer after that. */
export function sessionDueBy(job: Job, now: number): number {
  return now + Math.min(patienceMs, Math.floor(Math.max(0, job.validUntil - now) / 2));
}

/** What is stored about a target with jobs that wait for a session. */
interface WaitingFacts {
  readonly target: Target;
  readonly sets: readonly KeySetInfo[];
  /** In their order. */
  readonly jobs: readonly Job[];
  /** A profile switch is open: no session is requested with the other jobs. */
  readonly switching: boolean;
}

/** The jobs of a target that waited long enough for a session and are sent by short message instead. */
export async function jobsChangingBearer(
  r: Repositories,
  id: TargetId,
  now: number,
  { bySms }: BearerFallbackDeps,
): Promise<readonly Job[]> {
  const target = await r.targets.get(id);
  if (target === undefined) return [];
  const switching = await switchIsOpen(r, id, now);
  const sets = await r.keySets.list(id);
  return changingBearer({ target, sets, jobs: await r.jobs.waitingForSession(id, maxJobs), switching }, now, bySms);
}

/**
 * The first jobs of which nothing was handed out and that SMS can carry now; no earlier job stays behind, since jobs keep
 * their order.
 */
export function changingBearer(
  { target, sets, jobs, switching }: WaitingFacts,
  now: number,
  bySms: BearerFallbackDeps["bySms"],
): readonly Job[] {
  const staying = jobs.findIndex(
    (job) =>
      (switching && job.lane === "normal") ||
      !mayChangeBearer(job, now) ||
      !fits(job, target, sets) ||
      !bySms(job, target),
  );
  return staying < 0 ? jobs : jobs.slice(0, staying);
}

/**
 * Whether no session came in time for a job that may use another bearer, and it is certain that the card has nothing of
 * it.
 */
export function mayChangeBearer(job: Job, now: number): boolean {
  return job.request.bearer === "auto" && job.attempts === 0 && now >= job.notBefore && now < job.validUntil;
}

/**
 * Whether the script has the same meaning by short message: the domain of the same keys, and no secure channel of a
 * session.
 */
function fits(job: Job, target: Target, sets: readonly KeySetInfo[]): boolean {
  const { work, request } = job;
  if (work.kind === "packet" || request.secureChannel !== undefined || channelUse(work) !== "none") return false;
  const { aid, ...byTar } = work;
  const named = aid === undefined || targetedApplication(work) === targetedApplication(byTar);
  const keyed = sets.some(
    (set) => set.type === "SCP80" && servesTar(set, work.tar) && (request.kvn === undefined || set.kvn === request.kvn),
  );
  return named && keyed && segmentsOf(job, target) <= maxSegments;
}
