import type { Clock } from "../../base/clock.ts";
import { detach } from "../../base/detach.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { KeyedQueue } from "../../base/keyed-queue.ts";
import type { Log } from "../../link/driver.ts";
import type { Job } from "../model/job.ts";
import type { Store } from "../model/store.ts";
import { DeadlineWatch } from "./deadline-watch.ts";
import { placesOf } from "./packet-order.ts";

/**
 * Runs one job up to its end or to its next waiting time; everything durable is its own business. The signal aborts
 * when it is interrupted, and with `job.expired` when its validity ends.
 */
export type RunJob = (job: Job, signal: AbortSignal) => Promise<void>;

/** A target that is taken for one job. */
export interface Claim {
  readonly run: (job: Job, how: RunJob) => void;
  readonly release: () => void;
}

export interface DispatcherDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly run: RunJob;
  /** Until when normal jobs of this target wait (an open profile switch), 0 if they do not. */
  readonly heldUntil: (target: string) => Promise<number>;
  /** Ends a queued job whose validity is over. */
  readonly expire: (job: Job) => Promise<void>;
}

/** What setTimeout takes. */
const maxTimerMs = 2 ** 31 - 1;
/** A job that runs longer than this may keep those behind it beyond their deadlines. */
const longRunMs = 500;

/**
 * Takes open jobs to their execution: one at a time per target, targets side by side. What it keeps in memory can be
 * rebuilt from the store at any moment.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #queue = new KeyedQueue<string>();
  readonly #kicked = new Set<string>();
  /** The latest claim of each target: whether its job has ended, and whether the queue is to be looked at behind it. */
  readonly #claims = new Map<string, { over: boolean; kicked: boolean }>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #running = new Map<string, { job: string; abort: AbortController }>();
  readonly #stopping = new AbortController();
  readonly #deadlines: DeadlineWatch;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#deadlines = new DeadlineWatch(deps);
  }

  /** Picks up what an earlier process left open. */
  async start(): Promise<void> {
    for (const target of await this.#deps.store.read((r) => r.jobs.openTargets())) this.kick(target);
  }

  /** Lets running work come to a durable point, then ends. */
  async stop(reason: unknown): Promise<void> {
    this.#stopping.abort(reason);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#deadlines.stop();
    for (const { abort } of this.#running.values()) abort.abort(reason);
    await this.#queue.idle();
  }

  /** Something may have become possible for this target. */
  kick(target: string): void {
    this.#deadlines.again(target);
    if (this.#stopping.signal.aborted || this.#kicked.has(target)) return;
    const claimed = this.#claims.get(target);
    if (claimed !== undefined) {
      claimed.kicked = true;
      return;
    }
    this.#kicked.add(target);
    const timer = this.#timers.get(target);
    if (timer !== undefined) clearTimeout(timer);
    this.#timers.delete(target);
    const turn = this.#queue.run(target, async () => {
      this.#kicked.delete(target);
      await this.#drain(target);
    });
    detach(turn, (error) => {
      this.#deps.log.error({ target, err: error.message }, "dispatch failed; trying again");
      this.#wakeAt(target, this.#deps.clock.now() + 1000);
    });
  }

  /** Aborts the job if it is the one running on its target. */
  interrupt(target: string, job: string, reason: unknown): void {
    const running = this.#running.get(target);
    if (running?.job === job) running.abort.abort(reason);
  }

  /**
   * Takes an idle target for one job that is about to be stored as under way; undefined when the target is busy. What is
   * kicked meanwhile waits until the job has had its run, or the target is let go.
   */
  claim(target: string): Claim | undefined {
    const before = this.#claims.get(target);
    const free = before === undefined ? !this.#queue.busy(target) : before.over && !this.#kicked.has(target);
    if (this.#stopping.signal.aborted || !free) return undefined;
    const mine = { over: false, kicked: before?.kicked ?? false };
    this.#claims.set(target, mine);
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    detach(
      this.#queue.run(target, () => held),
      () => {},
    );
    const release = () => {
      const latest = this.#claims.get(target);
      if (latest === mine) this.#claims.delete(target);
      else if (latest !== undefined && mine.kicked) latest.kicked = true;
      if (latest === mine && mine.kicked) this.kick(target);
      letGo();
    };
    const settle = () => {
      // A job that was deferred has to be taken up again.
      if (!mine.over) mine.kicked = true;
      release();
    };
    const run = (job: Job, how: RunJob) =>
      detach(this.#runOne(target, job, how).finally(settle), (error) => {
        this.#deps.log.error({ target, job: job.id, err: error.message }, "a job that was under way failed");
      });
    return { run, release };
  }

  /**
   * The job has ended in a unit of work that is not durable yet: units behind it may claim its target. They see whether
   * the end is there.
   */
  ended({ id, target }: Job): void {
    const claimed = this.#claims.get(target);
    if (claimed !== undefined && this.#running.get(target)?.job === id) claimed.over = true;
  }

  /** Jobs being run at this moment. */
  get active(): number {
    return this.#running.size;
  }

  async #drain(target: string): Promise<void> {
    this.#deadlines.rest(target);
    if (!(await this.#deps.store.read((r) => r.jobs.hasOpen(target)))) return;
    while (!this.#stopping.signal.aborted) {
      const now = this.#deps.clock.now();
      const held = await this.#deps.heldUntil(target);
      const job = await this.#next(target, now, held > now);
      if (job === undefined) {
        const wake = await this.#deps.store.read((r) => r.jobs.nextWake(target));
        if (wake !== undefined && held > now) this.#deadlines.watch(target);
        const place = held > now ? await this.#nextPlace(target) : undefined;
        const at = Math.max(wake ?? 0, Math.min(held, now + 60_000));
        if (wake !== undefined) this.#wakeAt(target, Math.min(at, place ?? at));
        return;
      }
      await this.#runOne(target, job);
    }
  }

  async #runOne(target: string, job: Job, run: RunJob = this.#deps.run): Promise<void> {
    const abort = new AbortController();
    if (this.#stopping.signal.aborted) abort.abort(this.#stopping.signal.reason);
    this.#running.set(target, { job: job.id, abort });
    const left = Math.max(job.validUntil - this.#deps.clock.now(), 0);
    const deadline = setTimeout(
      () => abort.abort(new GatewayError("job.expired", "the validity period ended")),
      Math.min(left, maxTimerMs),
    );
    const long = setTimeout(() => this.#deadlines.watch(target), longRunMs);
    try {
      await run(job, abort.signal);
    } finally {
      clearTimeout(deadline);
      clearTimeout(long);
      this.#deadlines.rest(target);
      if (this.#running.get(target)?.job === job.id) this.#running.delete(target);
    }
  }

  /** Packets that have left first: others wait for their place, regardless of their lane. Then the queue. */
  async #next(target: string, now: number, held: boolean): Promise<Job | undefined> {
    return this.#deps.store.read(async (r) => {
      const places = await placesOf(r, target);
      const due = places.find(({ job }) => job.state === "queued" && job.notBefore <= now);
      return due?.job ?? r.jobs.next(target, now, held ? ["system"] : ["system", "normal"]);
    });
  }

  /** When the next packet that has its place is due, also while the other jobs are held. */
  async #nextPlace(target: string): Promise<number | undefined> {
    const places = await this.#deps.store.read((r) => placesOf(r, target));
    const due = places.filter(({ job }) => job.state === "queued").map(({ job }) => job.notBefore);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  #wakeAt(target: string, at: number): void {
    const delay = Math.min(Math.max(at - this.#deps.clock.now(), 1), 3_600_000);
    const before = this.#timers.get(target);
    if (before !== undefined) clearTimeout(before);
    this.#timers.set(
      target,
      setTimeout(() => {
        this.#timers.delete(target);
        this.kick(target);
      }, delay),
    );
  }
}
