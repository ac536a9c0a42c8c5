import type { TargetId } from "../base/id.ts";
import type { Job, JobPatch } from "../gateway/model/job.ts";
import { KeptRows } from "./kept-rows.ts";
import type { Statements } from "./statements.ts";

/** Jobs of a target that wait for its SCP81 session, in their order. */
interface Waiting {
  readonly jobs: readonly Job[];
  /** No others wait. */
  readonly all: boolean;
}

/** Jobs that are read ahead for a session. */
export const sessionJobsAhead = 8;

/** The jobs of targets with a session, kept from one step of the session to the next. */
export class SessionJobs {
  readonly #waiting: KeptRows<Waiting>;
  readonly #targets: KeptRows<string>;

  constructor(statements: Statements) {
    this.#waiting = new KeptRows(statements);
    this.#targets = new KeptRows(statements, 8 * 1024);
  }

  /** The first jobs of a target; undefined when they must be read. */
  first(target: TargetId, limit: number): readonly Job[] | undefined {
    const kept = this.#waiting.get(target)?.value;
    return kept !== undefined && (kept.all || kept.jobs.length >= limit) ? kept.jobs.slice(0, limit) : undefined;
  }

  read(target: TargetId, jobs: readonly Job[], all: boolean): void {
    this.#waiting.set(target, { jobs, all });
    for (const { id } of jobs) this.#targets.set(id, target);
  }

  find(id: string): Job | undefined {
    const target = this.#targets.get(id)?.value;
    return target === undefined ? undefined : this.#waiting.get(target)?.value.jobs.find((job) => job.id === id);
  }

  inserted({ target, state }: Pick<Job, "target" | "state">): void {
    if (state === "waiting") this.#waiting.delete(target);
  }

  changed(id: string, patch: JobPatch, was: Pick<Job, "target" | "state" | "chosen"> | undefined): void {
    if (was === undefined) {
      this.#waiting.clear();
      return;
    }
    const kept = this.#waiting.get(was.target)?.value;
    if (kept === undefined) return;
    const before = kept.jobs.find((job) => job.id === id);
    const { state, chosen } = { ...(before ?? was), ...patch };
    const waits = state === "waiting" && chosen?.bearer === "https";
    if (before !== undefined) {
      const jobs = waits
        ? kept.jobs.map((job) => (job === before ? { ...job, ...patch } : job))
        : kept.jobs.filter((job) => job !== before);
      this.#waiting.set(was.target, { ...kept, jobs });
    } else if (waits) this.#waiting.delete(was.target);
  }
}
