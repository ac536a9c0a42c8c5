import type { Clock } from "../../base/clock.ts";
import { detach } from "../../base/detach.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import type { TargetId } from "../../base/id.ts";
import type { Log } from "../../link/driver.ts";
import { reported } from "../../link/reported.ts";
import type { Job } from "../model/job.ts";
import type { Store } from "../model/store.ts";

interface DeadlineWatchDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly expire: (job: Job) => Promise<void>;
}

/**
 * Minimum time between two checks. A new job, whose deadline may be earlier than the known ones, is checked after this
 * time.
 */
const pauseMs = 300;
const maxMs = 3_600_000;

/**
 * Ends queued jobs at their deadlines while their target is occupied by a long job or held by an open profile switch.
 */
export class DeadlineWatch {
  readonly #deps: DeadlineWatchDeps;
  readonly #watched = new Map<TargetId, { timer: NodeJS.Timeout; at: number }>();

  constructor(deps: DeadlineWatchDeps) {
    this.#deps = deps;
  }

  watch(target: TargetId): void {
    if (!this.#watched.has(target)) this.#lookIn(target, 0);
  }

  /** A watched target may have received another job. */
  again(target: TargetId): void {
    const before = this.#watched.get(target);
    if (before === undefined || before.at <= this.#deps.clock.now() + pauseMs) return;
    clearTimeout(before.timer);
    this.#lookIn(target, pauseMs);
  }

  /** The target no longer needs to be watched. */
  rest(target: TargetId): void {
    clearTimeout(this.#watched.get(target)?.timer);
    this.#watched.delete(target);
  }

  stop(): void {
    for (const target of [...this.#watched.keys()]) this.rest(target);
  }

  #lookIn(target: TargetId, ms: number): void {
    const delay = Math.min(Math.max(ms, 0), maxMs);
    const failed = reported(this.#deps.log, "the supervision of a target's deadlines ended", { target });
    const timer = setTimeout(() => detach(this.#look(target, mine), failed), delay);
    const mine = { timer, at: this.#deps.clock.now() + delay };
    this.#watched.set(target, mine);
  }

  async #look(target: TargetId, mine: unknown): Promise<void> {
    const { store, clock, log, expire } = this.#deps;
    const now = clock.now();
    let next: number | undefined;
    try {
      const deadlines = await store.read((r) => r.jobs.deadlines(target, now));
      next = deadlines.next;
      for (const job of deadlines.over) await expire(job);
    } catch (error) {
      log.error({ target, err: asGatewayError(error).message }, "failed to end jobs at their deadline; trying again");
      next = now + 1000;
    }
    // In the meantime the target may have left the watch, or entered it again.
    if (this.#watched.get(target) === mine) this.#lookIn(target, next === undefined ? maxMs : next - clock.now());
  }
}
