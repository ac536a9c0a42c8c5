import type { Clock } from "../../base/clock.ts";
import { detach } from "../../base/detach.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import type { JobId, TargetId } from "../../base/id.ts";
import { KeyedQueue } from "../../base/keyed-queue.ts";
import type { Log } from "../../link/driver.ts";
import type { GatewayEvent } from "../model/event.ts";
import type { Job } from "../model/job.ts";
import type { Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { DeadlineWatch } from "./deadline-watch.ts";
import { concernsQueue, endsJob } from "./queue-events.ts";
import { type Look, type LookedUp, lookAtQueue } from "./queue-look.ts";

/**
 * Records of the target that were read with its queue. They may be out of date, so conditions are checked again in the
 * commit that reserves the packet.
 */
export type Around = Pick<Look, "target" | "firstWaiting">;

/**
 * Runs one job to its end or to its next waiting time, and stores all results itself. The signal aborts when the job is
 * interrupted, and with `job.expired` when its validity ends.
 */
type RunJob = (job: Job, around: Around, signal: AbortSignal) => Promise<void>;

/** Runs a job whose records were all read already. */
type CarryJob = (job: Job, signal: AbortSignal) => Promise<void>;

/** A target that is taken for one job. */
interface Claim {
  readonly run: (job: Job, how: CarryJob) => void;
  readonly release: () => void;
}

interface DispatcherDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly run: RunJob;
  /** Ends a queued job whose validity has ended. */
  readonly expire: (job: Job) => Promise<void>;
}

/** Maximum delay of setTimeout. */
const maxTimerMs = 2 ** 31 - 1;
/** A job that runs longer than this may delay those behind it beyond their deadlines. */
const longRunMs = 500;
/** Jobs that were read ahead are read again after this time. */
const aheadMs = 2_000;

interface Running {
  readonly job: JobId;
  readonly abort: AbortController;
  ended: boolean;
  /** What was read with the job, if everything that is due was read ahead. */
  around: Look | false;
}

/**
 * Starts open jobs: one at a time per target, targets in parallel. Its memory can be rebuilt from the store at any
 * moment: jobs that were read ahead are discarded at every event of their target except the end of the job before them.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #queue = new KeyedQueue<TargetId>();
  readonly #kicked = new Set<TargetId>();
  /** The latest claim of each target: whether its job has ended, and whether the queue is to be examined after it. */
  readonly #claims = new Map<TargetId, { over: boolean; kicked: boolean }>();
  readonly #timers = new Map<TargetId, NodeJS.Timeout>();
  readonly #running = new Map<TargetId, Running>();
  readonly #ahead = new Map<TargetId, Look>();
  /** Targets without open jobs, according to their last look and to this process. */
  readonly #idle = new Set<TargetId>();
  readonly #stopping = new AbortController();
  readonly #deadlines: DeadlineWatch;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#deadlines = new DeadlineWatch(deps);
  }

  /** Resumes what an earlier process left open. */
  async start(): Promise<void> {
    for (const target of await this.#deps.store.read((r) => r.jobs.openTargets())) this.kick(target);
  }

  /** Waits until running work reaches a durable point, then ends. */
  async stop(reason: unknown): Promise<void> {
    this.#stopping.abort(reason);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#deadlines.stop();
    for (const { abort } of this.#running.values()) abort.abort(reason);
    await this.#queue.idle();
  }

  /** Examines the target's queue: a job may have become possible. */
  kick(target: TargetId): void {
    this.#forget(target);
    this.#lookSoon(target);
  }

  /** A job was stored for the target. If nothing else is open, no search for it is needed. */
  accepted(job: Job, target: Target): void {
    const running = this.#running.get(job.target);
    if (this.#idle.delete(job.target)) {
      const at = this.#deps.clock.now();
      this.#ahead.set(job.target, { jobs: [job], target, at, firstWaiting: undefined, complete: true });
      this.#lookSoon(job.target);
    } else if (running !== undefined && running.around !== false) {
      const ahead = this.#ahead.get(job.target) ?? { ...running.around, jobs: [] };
      this.#ahead.set(job.target, { ...ahead, jobs: [...ahead.jobs, job] });
      this.#deadlines.again(job.target);
    } else this.kick(job.target);
  }

  /** A job was stored as deferred: the queue is examined when it is due, or before if it was to be. */
  deferred({ target, notBefore, validUntil }: Job): void {
    this.#forget(target);
    if (notBefore >= validUntil || !this.#timers.has(target)) this.#wakeAt(target, notBefore);
  }

  /** Applies what a commit changed. */
  noteEvent(event: GatewayEvent): void {
    const { target, job, type } = event;
    if (target === undefined) return;
    const running = this.#running.get(target);
    // The queue is examined after each run anyway.
    if (running !== undefined && running.job === job && endsJob(type)) running.ended = true;
    else if (concernsQueue(event)) this.kick(target);
    else if (/^(switch|target)\./.test(type)) this.#forget(target);
  }

  /** Aborts the job if it is the one running on its target. */
  interrupt(target: TargetId, job: JobId, reason: unknown): void {
    const running = this.#running.get(target);
    if (running?.job === job) running.abort.abort(reason);
  }

  /** Jobs being run at this moment. */
  get active(): number {
    return this.#running.size;
  }

  /** What was read ahead of the target may be out of date. */
  #forget(target: TargetId): void {
    this.#ahead.delete(target);
    this.#idle.delete(target);
    const running = this.#running.get(target);
    if (running !== undefined) running.around = false;
  }

  #lookSoon(target: TargetId): void {
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

  /**
   * Reserves an idle target for one job that is about to be stored as under way; undefined if the target is busy.
   * Requests to examine the queue wait until the job has run or the target is released.
   */
  claim(target: TargetId): Claim | undefined {
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
    const settle = (ended: boolean) => {
      // A deferred job is to be resumed.
      if (!mine.over && !ended) mine.kicked = true;
      release();
    };
    const run = (job: Job, how: CarryJob) =>
      detach(this.#runOne(target, job, how, false).then(settle), (error) => {
        settle(false);
        this.#deps.log.error({ target, job: job.id, err: error.message }, "internal error in a running job");
      });
    return { run, release };
  }

  /**
   * The job has ended in a unit of work that is not durable yet: later units may already claim its target, since they
   * see the end.
   */
  ended({ id, target }: Job): void {
    const claimed = this.#claims.get(target);
    if (claimed !== undefined && this.#running.get(target)?.job === id) claimed.over = true;
  }

  async #drain(target: TargetId): Promise<void> {
    this.#deadlines.rest(target);
    while (!this.#stopping.signal.aborted) {
      const look = this.#fromAhead(target) ?? (await this.#look(target));
      const [job, ...others] = look.jobs;
      if (job === undefined) return;
      if (others.length > 0) this.#ahead.set(target, { ...look, jobs: others });
      else this.#ahead.delete(target);
      const run: CarryJob = (one, signal) => this.#deps.run(one, look, signal);
      const ended = await this.#runOne(target, job, run, look.complete && look);
      // Other jobs may have waited for its place, or have to wait for it from now on.
      if (!ended || job.attempts > 0) this.#ahead.delete(target);
    }
  }

  #fromAhead(target: TargetId): Look | undefined {
    const ahead = this.#ahead.get(target);
    return ahead !== undefined && this.#deps.clock.now() < ahead.at + aheadMs ? ahead : undefined;
  }

  async #look(target: TargetId): Promise<Look> {
    this.#ahead.delete(target);
    this.#idle.delete(target);
    const look = await this.#deps.store.read((r) => lookAtQueue(r, target, this.#deps.clock.now()));
    if (look.jobs.length === 0) this.#rest(target, look);
    return look;
  }

  /** No job is due: the queue is examined again when an open job may run. */
  #rest(target: TargetId, { at, wake, held, nextPlace, quiet }: LookedUp): void {
    if (wake !== undefined && held > at) this.#deadlines.watch(target);
    const due = Math.max(wake ?? 0, Math.min(held, at + 60_000));
    if (wake !== undefined) this.#wakeAt(target, Math.min(due, nextPlace ?? due));
    else if (quiet && !this.#kicked.has(target)) this.#idle.add(target);
  }

  /** True when the job ended in its run. `around` is what was read ahead, if everything that is due was. */
  async #runOne(target: TargetId, job: Job, run: CarryJob, around: Look | false): Promise<boolean> {
    const abort = new AbortController();
    if (this.#stopping.signal.aborted) abort.abort(this.#stopping.signal.reason);
    const running: Running = { job: job.id, abort, ended: false, around };
    this.#running.set(target, running);
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
    return running.ended;
  }

  #wakeAt(target: TargetId, at: number): void {
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
