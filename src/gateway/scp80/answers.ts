/** Wakes the callers that wait for the answer to a packet, in this process. The answer itself is in the store. */
export class Answers {
  readonly #waiting = new Map<string, () => void>();

  /** The packet has its answer in the store. */
  arrived(packet: string): void {
    this.#waiting.get(packet)?.();
  }

  /**
   * Starts listening for the packet's answer. Register before sending; `wait` resolves true when it arrived, false
   * after the time; rejects with the signal's reason.
   */
  expect(packet: string): { wait(ms: number, signal: AbortSignal): Promise<boolean>; [Symbol.dispose](): void } {
    let here = false;
    let wake = () => {};
    this.#waiting.set(packet, () => {
      here = true;
      wake();
    });
    return {
      wait: (ms, signal) =>
        new Promise<boolean>((resolve, reject) => {
          const settle = (act: () => void) => {
            clearTimeout(timer);
            signal.removeEventListener("abort", onAbort);
            act();
          };
          const onAbort = () => settle(() => reject(signal.reason));
          const timer = setTimeout(() => settle(() => resolve(here)), Math.min(ms, 2 ** 31 - 1));
          wake = () => settle(() => resolve(true));
          signal.addEventListener("abort", onAbort, { once: true });
          if (signal.aborted) onAbort();
          else if (here) wake();
        }),
      [Symbol.dispose]: () => void this.#waiting.delete(packet),
    };
  }
}
