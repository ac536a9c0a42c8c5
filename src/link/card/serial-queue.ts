/** Runs tasks strictly one after the other, in order of arrival: a {@link KeyedQueue} with one key, cheaper per task. */
export class SerialQueue {
  #last: Promise<unknown> | undefined;
  #open = 0;

  readonly #settle = () => {
    this.#open--;
    if (this.#open === 0) this.#last = undefined;
  };

  /** Whether a task is running or waiting. */
  get busy(): boolean {
    return this.#open > 0;
  }

  /** Resolves with the task's value once it has had its turn. A failing task does not stop the ones behind it. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#last === undefined ? task() : this.#last.then(task, task);
    this.#open++;
    this.#last = mine;
    mine.then(this.#settle, this.#settle);
    return mine;
  }
}
