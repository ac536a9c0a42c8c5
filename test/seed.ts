import { seededRandom } from "../simulators/seeded-random.ts";

/** Seed of all random input of the tests: the same in every run, unless OTAGATE_TEST_SEED says otherwise. */
export const testSeed = seedOf(process.env.OTAGATE_TEST_SEED);

/** Whether sweeps and soaks take all values and their whole time, as OTAGATE_TEST_FULL=1 asks for. */
export const fullTests = process.env.OTAGATE_TEST_FULL === "1";

/**
 * The seed that a value of OTAGATE_TEST_SEED stands for: a whole number, or `random`; 1 without a value.
 * @throws Error for another value
 */
export function seedOf(value: string | undefined): number {
  if (value === undefined || value === "") return 1;
  if (value === "random") return Math.floor(Math.random() * 2 ** 31);
  const seed = Number(value);
  if (!Number.isInteger(seed) || Math.abs(seed) >= 2 ** 31) {
    throw new Error(`OTAGATE_TEST_SEED must be 'random' or a whole number of 32 bits, not '${value}'`);
  }
  return seed;
}

/** Random numbers from 0 to 1. Every call starts again, so that the input of a test does not depend on the others. */
export function testRandom(salt = 0): () => number {
  return seededRandom(testSeed + salt);
}

/** Octets of {@link testRandom}. */
export function testOctets(salt = 0): (count: number) => Buffer {
  const random = testRandom(salt);
  return (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
}
