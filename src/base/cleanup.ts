/**
 * What has to be undone, in reverse order: the part of AsyncDisposableStack that Node 20 lacks. `await using` it while
 * building something up; `keep` hands the duty over once it stands.
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

  /** Takes all duties away from this one and gives them to the one returned. */
  keep(): Cleanup {
    const kept = new Cleanup();
    kept.#steps = this.#steps;
    this.#steps = [];
    return kept;
  }

  /** Does all of it, each step even when others fail; the first failure is thrown at the end. */
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
