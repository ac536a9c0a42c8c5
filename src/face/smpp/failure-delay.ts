import type { Clock } from "../../base/clock.ts";

/** How refused binds slow down those that follow from the same address. */
export interface FailureDelayLimits {
  /** Delay of the answer to a refused bind; doubled with each refusal in a row from one address. */
  readonly failureDelayMs: number;
  readonly maxFailureDelayMs: number;
}

interface Failures {
  count: number;
  at: number;
}

/** Maximum number of remembered addresses; the one whose last failure is oldest is forgotten first. */
const maxAddresses = 4_096;

/** Counts refused binds per address. They are forgotten after a granted bind, or after the longest delay without another. */
export class FailureDelay {
  readonly #limits: FailureDelayLimits;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #failures = new Map<string, Failures>();

  constructor(limits: FailureDelayLimits, clock: Pick<Clock, "monotonic">) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Milliseconds until a password of this address may be checked. */
  leftMs(address: string): number {
    const known = this.#failures.get(address);
    if (known === undefined) return 0;
    return Math.max(0, known.at + this.#delayMs(known.count) - this.#clock.monotonic());
  }

  /** Counts a refusal; returns the delay of its answer. */
  failed(address: string): number {
    const now = this.#clock.monotonic();
    const known = this.#failures.get(address);
    const over = known === undefined || now - known.at > this.#delayMs(known.count) + this.#limits.maxFailureDelayMs;
    const count = over ? 1 : known.count + 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count, at: now });
    if (this.#failures.size > maxAddresses) this.#failures.delete(this.#failures.keys().next().value ?? "");
    return this.#delayMs(count);
  }

  /** A bind was granted. */
  succeeded(address: string): void {
    this.#failures.delete(address);
  }

  #delayMs(count: number): number {
    const { failureDelayMs, maxFailureDelayMs } = this.#limits;
    return Math.min(maxFailureDelayMs, failureDelayMs * 2 ** Math.min(count - 1, 30));
  }
}
