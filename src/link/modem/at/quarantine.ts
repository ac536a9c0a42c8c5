import type { Clock } from "../../../base/clock.ts";

/** A time in which a modem is not used; it ends by itself, or on request. */
export class Quarantine {
  readonly #clock: Clock;
  #end: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it ends: `released` by request, `served` by time, or `closed` by the signal. */
  async serve(ms: number, signal: AbortSignal): Promise<"released" | "served" | "closed"> {
    const end = new AbortController();
    this.#end = end;
    await this.#clock.sleep(ms, AbortSignal.any([end.signal, signal])).catch(() => undefined);
    this.#end = undefined;
    return signal.aborted ? "closed" : end.signal.aborted ? "released" : "served";
  }

  /** Ends it; false when there is none. */
  release(): boolean {
    this.#end?.abort();
    return this.#end !== undefined;
  }
}
