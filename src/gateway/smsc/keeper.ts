import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../link/driver.ts";
import type { JobQueue } from "../model/new-job.ts";
import type { Store } from "../model/store.ts";
import { releaseSegments } from "./segments.ts";
import { settleMessage } from "./settle.ts";

interface SmscKeeperDeps {
  readonly store: Store;
  readonly jobs: JobQueue;
  readonly log: Log;
  readonly clock: Clock;
  /** How long after its validity a message may still be settled by a receipt. */
  readonly graceMs: number;
}

/** Longest time between two searches for messages past their time. */
const maxRoundMs = 30_000;
const minRoundMs = 500;
const batch = 500;

/** Handles timeouts: segments whose other segments never arrived, and messages that no receipt settled. */
export class SmscKeeper implements AsyncDisposable {
  readonly #deps: SmscKeeperDeps;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #working: Promise<void> = Promise.resolve();

  constructor(deps: SmscKeeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.look(this.#deps.clock.now());
  }

  /** Something is due at this time. */
  look(at: number): void {
    if (this.#stop.signal.aborted || at >= this.#wakeAt) return;
    clearTimeout(this.#timer);
    this.#wakeAt = at;
    this.#timer = setTimeout(
      () => {
        this.#wakeAt = Number.POSITIVE_INFINITY;
        this.#working = this.#working.then(() => this.#round());
      },
      Math.max(0, at - this.#deps.clock.now()),
    );
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#working;
  }

  async #round(): Promise<void> {
    const { clock } = this.#deps;
    let next = clock.now() + Math.min(maxRoundMs, Math.max(minRoundMs, this.#deps.graceMs));
    try {
      await this.#releaseDue();
      await this.#giveUpOverdue();
      next = Math.min(next, (await this.#deps.store.read((r) => r.smsc.nextDue())) ?? next);
    } catch (error) {
      this.#deps.log.error({ error: String(error) }, "failed to expire messages");
    }
    this.look(next);
  }

  async #releaseDue(): Promise<void> {
    const { store, jobs, clock } = this.#deps;
    const now = clock.now();
    for (const { messageOf } of await store.read((r) => r.smsc.dueSegments(now))) {
      const target = await store.write(async (r) => {
        const held = await r.smsc.held(messageOf);
        const job = await releaseSegments(r, held, now);
        return job === undefined ? undefined : (await r.jobs.get(job))?.target;
      });
      if (target !== undefined) jobs.kick(target);
    }
  }

  /** A message that a network accepted and never reported on: its outcome is unknown. */
  async #giveUpOverdue(): Promise<void> {
    const { store, clock, graceMs } = this.#deps;
    const now = clock.now();
    const overdue = await store.read((r) => r.smsc.overdue(now - graceMs, batch));
    if (overdue.length === 0) return;
    await store.write(async (r) => {
      for (const { id } of overdue) {
        const message = await r.smsc.message(id);
        const job = message?.job === undefined ? undefined : await r.jobs.get(message.job);
        if (message === undefined || (job !== undefined && job.endedAt === undefined)) continue;
        await settleMessage(r, message, "unknown", { error: message.error, at: now, final: true });
      }
    });
  }
}
