import type { Clock } from "../../base/clock.ts";
import type { JobId, TargetId } from "../../base/id.ts";
import type { Job } from "../model/job.ts";
import type { Link } from "./links.ts";

/** A try that failed because of a link. */
export interface LinkTrouble {
  readonly job: JobId;
  readonly target: TargetId;
  readonly link: string;
  readonly kind: Link["kind"];
  /** When the try began, monotonic. */
  readonly since: number;
  /** How long the job is deferred. */
  readonly delayMs: number;
}

/** A job that may run earlier than its deferral: now, or at a time (wall clock) in the future. */
interface EarlierTry {
  readonly target: TargetId;
  readonly earliest: number;
}

/**
 * Divisor of a job's delay: the job is not tried again before this fraction of it has passed, however often its link
 * fails and returns.
 */
const pausePart = 30;

type Waiting = EarlierTry & Pick<LinkTrouble, "link" | "kind">;

/**
 * Jobs deferred because a link failed, so that they are tried when it is up again. After a restart, failed tries
 * rebuild the list.
 */
export class LinkBackoff {
  readonly #clock: Clock;
  /** By target, then by job. */
  readonly #waiting = new Map<string, Map<JobId, Waiting>>();
  readonly #up = new Map<string, boolean>();
  /** Monotonic. */
  readonly #lastUp = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a job to the list; returns what may run earlier if its link came up again during the try. */
  defer({ job, target, link, kind, since, delayMs }: LinkTrouble): EarlierTry | undefined {
    const waiting = { target, link, kind, earliest: this.#clock.now() + Math.ceil(delayMs / pausePart) };
    if (this.#up.get(link) === true && (this.#lastUp.get(link) ?? 0) > since) return waiting;
    const others = this.#waiting.get(target) ?? new Map<JobId, Waiting>();
    this.#waiting.set(target, others.set(job, waiting));
    return undefined;
  }

  /** The job is tried again, or has ended. */
  forget({ id, target }: Pick<Job, "id" | "target">): void {
    const jobs = this.#waiting.get(target);
    if (jobs?.delete(id) === true && jobs.size === 0) this.#waiting.delete(target);
  }

  /** Records the state of a link; true when it has come up. */
  noteLinkState(link: Link): boolean {
    const { up } = link.state;
    const before = this.#up.get(link.id) === true;
    this.#up.set(link.id, up);
    if (up && !before) this.#lastUp.set(link.id, this.#clock.monotonic());
    return up && !before;
  }

  removed(link: string): void {
    this.#up.delete(link);
    this.#lastUp.delete(link);
  }

  /**
   * Removes the jobs that wait for this link from the list: jobs that failed over it, jobs of the target whose card it
   * holds, and, if it carries SMS, all jobs sent by SMS.
   */
  take(link: Link, holds: string | undefined): EarlierTry[] {
    const taken: EarlierTry[] = [];
    for (const jobs of this.#waiting.values()) {
      for (const [id, waiting] of jobs) {
        const bySms = link.kind !== "reader" && waiting.kind !== "reader";
        if (waiting.link !== link.id && waiting.target !== holds && !bySms) continue;
        taken.push(waiting);
        this.forget({ id, target: waiting.target });
      }
    }
    return taken;
  }

  /** The time before which no job of the target is to be tried. */
  earliest(target: TargetId): number {
    return Math.max(0, ...[...(this.#waiting.get(target)?.values() ?? [])].map(({ earliest }) => earliest));
  }
}
