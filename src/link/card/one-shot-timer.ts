import type { Clock } from "../../base/clock.ts";

const maxSleepMs = 3_600_000;

/** Callbacks of the timer to its owner. */
interface OneShotTimerDeps {
  readonly clock: Clock;
  /** When the next item is due, monotonic ms; undefined if there is none. Must advance after `due`. */
  readonly next: () => number | undefined;
  readonly due: (now: number) => Promise<void>;
}

/** One timer for all scheduled work: calls its owner when the next item is due. */
export class OneShotTimer {
  readonly #deps: OneShotTimerDeps;
  #wake = new AbortController();
  #stopped = false;
  #loop: Promise<void> | undefined;

  constructor(deps: OneShotTimerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Reads the next due time again, because it may be earlier now. */
  rearm(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  stop(): void {
    this.#stopped = true;
    this.rearm();
  }

  async #run(): Promise<void> {
    const { clock, next, due } = this.#deps;
    while (!this.#stopped) {
      const wake = this.#wake.signal;
      const at = next();
      const wait = at === undefined ? maxSleepMs : at - clock.monotonic();
      if (wait <= 0) await due(clock.monotonic());
      else await clock.sleep(wait, wake).catch(() => undefined);
    }
  }
}
