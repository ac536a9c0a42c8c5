import fastCheck, { type IAsyncProperty, type IProperty, type Parameters } from "fast-check";
import { testSeed } from "./seed.ts";

export * from "fast-check";

/** Seeds that each property is tried with; one, unless a sweep asks for more. */
const seeds = Math.max(1, Number(process.env.OTAGATE_TEST_SEEDS ?? 1));

/** `assert` of fast-check with the seed of the run, and those behind it in a sweep. What fails prints its seed and path. */
export function assert<T>(property: IProperty<T>, parameters?: Parameters<T>): void;
export function assert<T>(property: IAsyncProperty<T>, parameters?: Parameters<T>): Promise<void>;
export function assert<T>(property: IAsyncProperty<T> | IProperty<T>, parameters: Parameters<T> = {}): unknown {
  const first = parameters.seed ?? testSeed;
  const all = Array.from({ length: seeds }, (_, at) => ({ ...parameters, seed: (first + at) | 0 }));
  if (property.isAsync()) return inTurn(property, all);
  for (const one of all) fastCheck.assert(property, one);
}

async function inTurn<T>(property: IAsyncProperty<T> | IProperty<T>, all: readonly Parameters<T>[]): Promise<void> {
  for (const one of all) await fastCheck.assert(property, one);
}
