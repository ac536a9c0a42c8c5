/**
 * Runs tasks of one key strictly one after the other, in order of arrival; tasks of different keys run side by side.
 * It ensures one exchange per card, one command per AT port and one job per eUICC at a time.
 */
export class KeyedQueue<K> {
  readonly #tails = new Map<K, Promise<unknown>>();

  /** Resolves with the task's value once it has had its turn. A failing task does not stop the ones behind it. */
  run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const mine = before === undefined ? task() : before.then(task, task);
    const settle = () => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
    const tail: Promise<unknown> = mine.then(settle, settle);
    this.#tails.set(key, tail);
    return mine;
  }

  /** Whether a task of this key is running or waiting. */
  busy(key: K): boolean {
    return this.#tails.has(key);
  }

  /** Resolves when nothing is running or waiting. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
