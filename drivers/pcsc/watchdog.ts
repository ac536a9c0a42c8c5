/**
 * A time limit for one thing at a time, cheap enough for every exchange: the timer is not restarted for
 * each use but compares the time with the deadline when it fires.
 */
export class Watchdog {
  readonly #late: (limitMs: number) => void;
  #limitMs = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /** `late` is called once for each limit that passes. */
  constructor(late: (limitMs: number) => void) {
    this.#late = late;
  }

  /** Starts a time limit; it replaces one that is still running. */
  arm(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#deadline = performance.now() + limitMs;
    if (this.#deadline < this.#firesAt) this.#schedule(limitMs);
  }

  /** Ends the time limit. */
  rest(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = performance.now() + ms;
    this.#timer = setTimeout(() => this.#look(), ms);
    this.#timer.unref();
  }

  #look(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (this.#deadline === Number.POSITIVE_INFINITY) return;
    const left = this.#deadline - performance.now();
    if (left > 0) {
      this.#schedule(Math.ceil(left));
      return;
    }
    this.rest();
    this.#late(this.#limitMs);
  }
}
