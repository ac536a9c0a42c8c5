/**
 * Clean-up steps, run in reverse order: the part of AsyncDisposableStack that Node 20 lacks. Use it with `await using`
 * while resources are created; `keep` transfers the steps once all are created.
 */
export class Cleanup implements AsyncDisposable {
  #steps: (() => unknown)[] = [];

  /** Disposes `resource` later; returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.#steps.push(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  /** Runs `step` later. */
  defer(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Moves all steps to the returned object. */
  keep(): Cleanup {
    const kept = new Cleanup();
    kept.#steps = this.#steps;
    this.#steps = [];
    return kept;
  }

  /** Runs all steps, even if some fail; the first failure is thrown at the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
