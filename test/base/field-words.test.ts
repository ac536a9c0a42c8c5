import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checked } from "../../src/base/field-words.ts";
import { firstIssue, strict } from "../../src/base/strict.ts";

describe("what is wrong with a field", () => {
  it.each([
    ["a missing field", z.object({ a: z.string() }), {}, "a: is required"],
    ["another type", z.object({ a: z.string() }), { a: 1 }, "a: must be text: put the number in quotes"],
    ["a fraction", z.object({ a: z.number().int() }), { a: 1.5 }, "a: must be a whole number"],
    ["no list", z.object({ a: z.array(z.string()) }), { a: {} }, "a: must be a list"],
    ["no object", z.object({ a: z.object({}) }), { a: 1 }, "a: must be an object"],
    [
      "another word",
      z.object({ a: z.enum(["red", "green"]) }),
      { a: "gren" },
      "a: must be one of red, green; did you mean 'green'?",
    ],
    ["a word that is missing", z.object({ a: z.enum(["red", "green"]) }), {}, "a: is required"],
    ["a number below the limit", z.number().min(1), 0, ": must be 1 or more"],
    ["a number that is not above 0", z.number().positive(), 0, ": must be more than 0"],
    ["a number above the limit", z.number().max(9), 10, ": must be 9 or less"],
    ["an empty text", z.string().min(1), "", ": must not be empty"],
    ["a text that is too long", z.string().max(3), "abcd", ": must have at most 3 characters"],
    ["too few entries", z.array(z.number()).min(2), [1], ": must have at least 2 entries"],
    ["an unknown field", strict({ name: z.string() }), { nam: "a" }, "nam: unknown field; did you mean 'name'?"],
    [
      "an unknown field of a shape without words of its own",
      z.object({ a: z.array(z.strictObject({ name: z.string().optional() })) }),
      { a: [{ nam: "a" }] },
      "a.0.nam: unknown field; did you mean 'name'?",
    ],
    ["neither of two types", z.union([z.number(), z.boolean()]), "a", ": must be a number, or true or false"],
    [
      "an unknown kind",
      z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") }), z.object({ kind: z.literal("b") })]),
      { kind: "c" },
      "kind: must be one of a, b",
    ],
    ["what its shape says itself", z.string().regex(/^x/, "an x at the beginning"), "y", ": an x at the beginning"],
  ])("%s", (_, shape, value, expected) => {
    const { error } = checked<z.ZodType>(shape, value);
    const issue = error === undefined ? undefined : firstIssue(error);
    expect(`${issue?.field}: ${issue?.message}`.replace(/^: : /, ": ")).toBe(expected);
  });
});
