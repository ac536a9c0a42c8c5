import { GatewayError } from "../../base/gateway-error.ts";

/** Delay before a task is offered again to a card that was busy, ms. */
const busyRetryMs = 1_000;

/** Carries something to the card; false when the card was too busy to take it. */
type Run = () => Promise<boolean>;

/** A task for the card that waits until no proactive command is being executed. */
interface CardTask {
  readonly run: Run;
  readonly fail: (error: unknown) => void;
  /** A caller waits for its outcome and receives its failure. */
  readonly awaited: boolean;
}

/** Whether an error means that the card or the connection to it is lost. */
function isLinkFailure(error: unknown): boolean {
  return error instanceof GatewayError && (error.code.startsWith("card.") || error.code.startsWith("link."));
}

/** Tasks of the terminal for the card, in order; tasks that find it busy are postponed. */
export class CardTaskQueue {
  readonly #waiting: CardTask[] = [];
  #postponed: CardTask[] = [];
  #postponedUntil = 0;
  #closed: { readonly error: unknown } | undefined;

  get length(): number {
    return this.#waiting.length + this.#postponed.length;
  }

  get ready(): boolean {
    return this.#waiting.length > 0;
  }

  /** When postponed tasks are due; undefined when there are none. */
  get dueAt(): number | undefined {
    return this.#postponed.length === 0 ? undefined : this.#postponedUntil;
  }

  /** Adds a task and resolves when it is done. An abort rejects at once, unless the card is already executing it. */
  add(run: Run, signal?: AbortSignal): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed.error);
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      let running = false;
      const onAbort = () => {
        if (!running) reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const once = async () => {
        if (signal?.aborted) return true;
        running = true;
        const done = await run().finally(() => {
          running = false;
        });
        if (done) {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        } else if (signal?.aborted) {
          reject(signal.reason);
          return true;
        }
        return done;
      };
      this.#waiting.push({ run: once, fail: reject, awaited: true });
    });
  }

  /** Adds a task without a waiting caller; `first` puts it before all others. */
  addUnattended(run: Run, first = false): void {
    if (this.#closed !== undefined) return;
    const task: CardTask = { run, fail: () => undefined, awaited: false };
    if (first) this.#waiting.unshift(task);
    else this.#waiting.push(task);
  }

  /**
   * Runs the next task; one that finds the card busy is postponed. `now` is monotonic, ms.
   * @throws what a task throws when the link failed, or without a waiting caller
   */
  async runNext(now: () => number): Promise<void> {
    const task = this.#waiting.shift();
    if (task === undefined) return;
    try {
      if (await task.run()) return;
    } catch (error) {
      task.fail(error);
      if (isLinkFailure(error) || !task.awaited) throw error;
      return;
    }
    this.#postponed.push(task);
    this.#postponedUntil = now() + busyRetryMs;
  }

  /** Makes postponed tasks due now, ahead of the others. */
  resume(): void {
    this.#waiting.unshift(...this.#postponed.splice(0));
  }

  /** Takes no further tasks; those that wait fail. */
  close(error: unknown): void {
    this.#closed ??= { error };
    for (const task of [...this.#waiting.splice(0), ...this.#postponed.splice(0)]) task.fail(error);
  }
}
