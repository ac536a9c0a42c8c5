import type { Clock } from "../../base/clock.ts";

/** One fault is forgiven per so long. */
const forgiveMs = 5_000;

/** What a peer did wrong lately. */
export class FaultCount {
  readonly #max: number;
  readonly #clock: Clock;
  #count = 0;
  #since: number;

  /** `max` faults are borne; Infinity bears all. */
  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** Counts one more; false when that is one too many. */
  bear(): boolean {
    const now = this.#clock.monotonic();
    const forgiven = Math.floor((now - this.#since) / forgiveMs);
    this.#count = Math.max(0, this.#count - forgiven) + 1;
    this.#since += forgiven * forgiveMs;
    return this.#count <= this.#max;
  }
}
