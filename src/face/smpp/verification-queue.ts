import { GatewayError } from "../../base/gateway-error.ts";

/** Limits of simultaneous password checks. */
export interface VerificationLimits {
  /** Simultaneous checks: each uses a thread of the pool that the store's flushes need as well. */
  readonly maxVerifications: number;
  /** Checks that may wait for their turn. */
  readonly maxVerificationQueue: number;
}

/** Runs expensive checks a few at a time, in order of arrival. */
export class VerificationQueue {
  readonly #limits: VerificationLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: VerificationLimits) {
    this.#limits = limits;
  }

  /**
   * Runs the check in its turn. An abort removes it from the queue.
   * @throws link.queue-full when too many wait; the signal's reason
   */
  async run<T>(check: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const { maxVerifications, maxVerificationQueue } = this.#limits;
    if (this.#running < maxVerifications) this.#running += 1;
    else if (this.#waiting.length < maxVerificationQueue) await this.#turn(signal);
    else throw new GatewayError("link.queue-full", "too many passwords are waiting for verification");
    try {
      return await check();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(start);
    });
  }
}
