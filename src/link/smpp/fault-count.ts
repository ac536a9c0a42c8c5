import type { Clock } from "../../base/clock.ts";

/** One fault is forgiven per this period. */
const forgiveMs = 5_000;

/** Recent protocol violations of a peer. */
export class FaultCount {
  readonly #max: number;
  readonly #clock: Clock;
  #count = 0;
  #since: number;

  /** Accepts `max` faults; Infinity accepts all. */
  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** Counts one more; false if there are now more than `max`. */
  bear(): boolean {
    const now = this.#clock.monotonic();
    const forgiven = Math.floor((now - this.#since) / forgiveMs);
    this.#count = Math.max(0, this.#count - forgiven) + 1;
    this.#since += forgiven * forgiveMs;
    return this.#count <= this.#max;
  }
}
