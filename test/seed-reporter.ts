import type { Reporter } from "vitest/node";

/** States the seed of the random input behind a run that failed, or whose seed was drawn. */
export class SeedReporter implements Reporter {
  readonly #seed: number;
  readonly #drawn: boolean;

  constructor(seed: number, drawn: boolean) {
    this.#seed = seed;
    this.#drawn = drawn;
  }

  onTestRunEnd(_modules: unknown, _errors: unknown, reason: string): void {
    if (reason !== "passed" || this.#drawn) process.stdout.write(`random input: OTAGATE_TEST_SEED=${this.#seed}\n\n`);
  }
}
