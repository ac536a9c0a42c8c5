import type { Clock } from "../../../src/base/clock.ts";

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** A clock that stands still until told to go on; sleepers wake in the order of their time. */
export class ManualClock implements Clock {
  #ms = 0;
  readonly #epoch: number;
  #sleepers: Sleeper[] = [];

  constructor(epoch = Date.UTC(2026, 10, 22, 8, 0, 0)) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#epoch + this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const sleeper: Sleeper = {
        at: this.#ms + ms,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Lets time pass, and everything that it sets off run to its end. */
  async advance(ms: number): Promise<void> {
    const until = this.#ms + ms;
    for (;;) {
      await ManualClock.quiet();
      const next = this.#sleepers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#ms = Math.max(this.#ms, next.at);
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      next.wake();
    }
    this.#ms = until;
    await ManualClock.quiet();
  }

  /** Lets all promises that can settle do so. */
  static async quiet(): Promise<void> {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}
