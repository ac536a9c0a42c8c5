import { expect, it } from "vitest";
import { seedOf, testOctets, testRandom, testSeed } from "../seed.ts";
import { filesBelow } from "./sources.ts";

/** Modules that make the seed, and the one with the words that are looked for. */
const exempt = new Set([
  "test/seed.ts",
  "test/fast-check.ts",
  "test/guards/random-input.test.ts",
  // Ephemeral keys of cards, whose values no check depends on.
  "test/gateway/downloads/download-bench.ts",
]);

/** Random input that no seed brings back. */
const unseeded =
  /\bMath\.random\b|\brandom(?:Bytes|Int|UUID|FillSync|Fill)\b|\bgetRandomValues\b|from "fast-check"|\bfc\.(?:assert|sample)\([^;]*\bseed: \d/;

it("random input of tests comes from the seed of the run", () => {
  const found = filesBelow(["test"], /\.ts$/)
    .filter(({ path, text }) => !exempt.has(path) && unseeded.test(text))
    .map(({ path }) => path);
  expect(found).toEqual([]);
});

it("a seed is fixed, a number, or random", () => {
  expect(seedOf(undefined)).toBe(1);
  expect(seedOf("")).toBe(1);
  expect(seedOf("-629288828")).toBe(-629_288_828);
  expect(seedOf("random")).toBeGreaterThanOrEqual(0);
  for (const value of ["any", "1.5", "4294967296"]) expect(() => seedOf(value)).toThrow(value);
});

it("the same seed gives the same input to every caller", () => {
  expect(testOctets()(20)).toEqual(testOctets()(20));
  expect(testOctets(1)(20)).not.toEqual(testOctets()(20));
  expect(testRandom()()).toBe(testRandom()());
  expect(Number.isInteger(testSeed)).toBe(true);
});
