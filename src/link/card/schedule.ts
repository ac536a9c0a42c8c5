import type { Clock } from "../../base/clock.ts";
import { OneShotTimer } from "./one-shot-timer.ts";
import { expireTimers, nextDue, type RunningTimer, type Timers } from "./terminal/timers.ts";

/** What a schedule needs, and its callbacks. */
interface ScheduleDeps {
  readonly clock: Clock;
  /** Polling interval unless the card requests one, ms. */
  readonly pollMs: number;
  /** Polling interval while a job is open, ms. */
  readonly jobPollMs: number;
  /** When postponed tasks are due; undefined when there are none. */
  readonly retryAt: () => number | undefined;
  readonly onRetry: () => void;
  readonly onTimer: (timer: RunningTimer) => void;
  /** The interface was idle for the polling interval. */
  readonly onPoll: () => Promise<void>;
}

/** All time-driven work for a card: timers, polling, retries. */
export class Schedule {
  readonly #deps: ScheduleDeps;
  readonly #alarm: OneShotTimer;
  #timers: Timers = [];
  #wantedPollMs: number | undefined;
  #polls = false;
  #jobs = 0;
  #lastExchange: number;

  constructor(deps: ScheduleDeps) {
    this.#deps = deps;
    this.#wantedPollMs = deps.pollMs;
    this.#lastExchange = deps.clock.monotonic();
    this.#alarm = new OneShotTimer({ clock: deps.clock, next: () => this.#next(), due: (now) => this.#due(now) });
  }

  get timers(): Timers {
    return this.#timers;
  }

  set timers(timers: Timers) {
    this.#timers = timers;
    this.rearm();
  }

  /** Polling interval in force, ms; undefined when there is no polling. */
  get pollMs(): number | undefined {
    if (!this.#polls) return undefined;
    if (this.#jobs > 0) return Math.min(this.#deps.jobPollMs, this.#wantedPollMs ?? this.#deps.jobPollMs);
    return this.#wantedPollMs;
  }

  /** The interval the card requested; undefined turns polling off while no job is open. */
  poll(everyMs: number | undefined): void {
    this.#wantedPollMs = everyMs;
    this.rearm();
  }

  /** Starts; a card without toolkit is not polled. */
  start(polls: boolean): void {
    this.#polls = polls;
    this.#alarm.start();
    this.rearm();
  }

  /** The card was reset: clears its timers and its polling interval. */
  reset(): void {
    this.#timers = [];
    this.#wantedPollMs = this.#deps.pollMs;
  }

  stop(): void {
    this.#alarm.stop();
  }

  /** Something was exchanged with the card: the polling interval starts again. */
  touch(): void {
    this.#lastExchange = this.#deps.clock.monotonic();
  }

  /** Something may be due earlier now. */
  rearm(): void {
    this.#alarm.rearm();
  }

  /** Polls faster until the result is disposed of. */
  openJob(): Disposable {
    let open = true;
    this.#jobs++;
    this.rearm();
    return {
      [Symbol.dispose]: () => {
        if (open) this.#jobs--;
        open = false;
      },
    };
  }

  #next(): number | undefined {
    const every = this.pollMs;
    const poll = every === undefined ? undefined : this.#lastExchange + every;
    const times = [nextDue(this.#timers), poll, this.#deps.retryAt()].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async #due(now: number): Promise<void> {
    const { due, running } = expireTimers(this.#timers, now);
    this.#timers = running;
    for (const timer of due) this.#deps.onTimer(timer);
    if ((this.#deps.retryAt() ?? Number.POSITIVE_INFINITY) <= now) this.#deps.onRetry();
    const every = this.pollMs;
    if (every === undefined || this.#lastExchange + every > now) return;
    this.#lastExchange = now;
    await this.#deps.onPoll();
  }
}
