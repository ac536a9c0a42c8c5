import { asGatewayError } from "../base/gateway-error.ts";
import type { Log } from "./driver.ts";

/**
 * Watches output that is not essential, such as traces: work continues without it. A failure is logged once, and its
 * end with the number of lost entries.
 */
export class SinkWatch {
  readonly #log: Log;
  readonly #what: string;
  readonly #facts: object;
  #failing = false;
  #lost = 0;

  constructor(log: Log, what: string, facts: object = {}) {
    this.#log = log;
    this.#what = what;
    this.#facts = facts;
  }

  failed(thrown: unknown, lines = 1): void {
    if (!this.#failing) {
      const { message } = asGatewayError(thrown);
      this.#log.error({ ...this.#facts, message }, `${this.#what} cannot be written; work continues without it`);
    }
    this.#failing = true;
    this.#lost += lines;
  }

  worked(): void {
    if (!this.#failing) return;
    this.#log.warn(
      { ...this.#facts, lost: this.#lost },
      `${this.#what} can be written again; lines in between were lost`,
    );
    this.#failing = false;
    this.#lost = 0;
  }
}
