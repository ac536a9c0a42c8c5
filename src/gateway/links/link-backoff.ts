import type { Clock } from "../../base/clock.ts";
import type { Job } from "../model/job.ts";
import type { Link } from "./links.ts";

/** A try that a link let down. */
export interface LinkTrouble {
  readonly job: string;
  readonly target: string;
  readonly link: string;
  readonly kind: Link["kind"];
  /** When the try began, monotonic. */
  readonly since: number;
  /** How long the job is put off. */
  readonly delayMs: number;
}

/** What may run earlier than it was put off to: now, or at a time (wall clock) if that is in the future. */
interface EarlierTry {
  readonly target: string;
  readonly earliest: number;
}

/**
 * A job is not tried again sooner than this part of its delay, however often its link comes and goes: the delay grows
 * with each try, and so does the pause.
 */
const pausePart = 30;

type Waiting = EarlierTry & Pick<LinkTrouble, "link" | "kind">;

/** Jobs put off because a link failed them, so that they are tried when it comes back. Rebuilt by the tries themselves. */
export class LinkBackoff {
  readonly #clock: Clock;
  /** By target, then by job. */
  readonly #waiting = new Map<string, Map<string, Waiting>>();
  readonly #up = new Map<string, boolean>();
  /** Monotonic. */
  readonly #lastUp = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a job on the list; when its link has come back during the try, what may run earlier. */
  defer({ job, target, link, kind, since, delayMs }: LinkTrouble): EarlierTry | undefined {
    const waiting = { target, link, kind, earliest: this.#clock.now() + Math.ceil(delayMs / pausePart) };
    if (this.#up.get(link) === true && (this.#lastUp.get(link) ?? 0) > since) return waiting;
    const others = this.#waiting.get(target) ?? new Map<string, Waiting>();
    this.#waiting.set(target, others.set(job, waiting));
    return undefined;
  }

  /** The job is tried again, or has ended. */
  forget({ id, target }: Pick<Job, "id" | "target">): void {
    const jobs = this.#waiting.get(target);
    if (jobs?.delete(id) === true && jobs.size === 0) this.#waiting.delete(target);
  }

  /** Notes where a link is; true when it has come up. */
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
   * Takes what waits for this link off the list: what it let down itself, jobs of the target whose card it holds, and for
   * one that carries SMS all that go by SMS.
   */
  take(link: Link, holds: string | undefined): EarlierTry[] {
    const taken: EarlierTry[] = [];
    for (const [target, jobs] of this.#waiting) {
      for (const [id, waiting] of jobs) {
        const bySms = link.kind !== "reader" && waiting.kind !== "reader";
        if (waiting.link !== link.id && target !== holds && !bySms) continue;
        taken.push(waiting);
        this.forget({ id, target });
      }
    }
    return taken;
  }

  /** Before when nothing of the target is to be tried. */
  earliest(target: string): number {
    return Math.max(0, ...[...(this.#waiting.get(target)?.values() ?? [])].map(({ earliest }) => earliest));
  }
}
