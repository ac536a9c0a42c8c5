import { detach } from "../../base/detach.ts";
import type { Pdu, RequestCommand } from "../../codec/smpp/pdu.ts";
import type { ReadGate } from "./read-gate.ts";

/**
 * Requests of the peer: at most `window` are processed at the same time. The others wait in order, and in the meantime
 * nothing is read from the peer, so that a burst is slowed down and not refused.
 */
export class InboundRequests {
  readonly #serve: (pdu: Pdu<RequestCommand>) => Promise<void>;
  readonly #gate: ReadGate;
  readonly #idle = new Set<() => void>();
  #waiting: Pdu<RequestCommand>[] = [];
  #next = 0;
  #window: number;
  #serving = 0;
  #holding = false;

  /** `serve` never rejects. */
  constructor(window: number, gate: ReadGate, serve: (pdu: Pdu<RequestCommand>) => Promise<void>) {
    this.#window = window;
    this.#gate = gate;
    this.#serve = serve;
  }

  /** True while requests wait and nothing is read. */
  get holding(): boolean {
    return this.#holding;
  }

  /** Allows at least this many to be processed at the same time. */
  widen(window: number): void {
    this.#window = Math.max(this.#window, window);
    this.#advance();
  }

  take(pdu: Pdu<RequestCommand>): void {
    this.#waiting.push(pdu);
    this.#advance();
  }

  /** Discards waiting requests: the session has ended. */
  clear(): void {
    this.#waiting = [];
    this.#next = 0;
    this.#advance();
  }

  /** Resolves when all requests received so far are answered. */
  idle(): Promise<void> {
    if (this.#serving === 0 && this.#left === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.add(resolve);
    });
  }

  get #left(): number {
    return this.#waiting.length - this.#next;
  }

  #advance(): void {
    while (this.#serving < this.#window) {
      const pdu = this.#waiting[this.#next];
      if (pdu === undefined) break;
      this.#next += 1;
      // `serve` handles its own failures.
      detach(this.#one(pdu), () => {});
    }
    if (this.#left === 0 && this.#next > 0) {
      this.#waiting = [];
      this.#next = 0;
    }
    const hold = this.#left > 0;
    if (hold !== this.#holding) {
      this.#holding = hold;
      if (hold) this.#gate.hold();
      else this.#gate.release();
    }
    if (this.#serving > 0 || hold) return;
    for (const done of this.#idle) done();
    this.#idle.clear();
  }

  async #one(pdu: Pdu<RequestCommand>): Promise<void> {
    this.#serving += 1;
    try {
      await this.#serve(pdu);
    } finally {
      this.#serving -= 1;
      this.#advance();
    }
  }
}
