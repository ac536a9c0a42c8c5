import { describe, expect, it } from "vitest";
import { z } from "zod";
import { projectionOf } from "../../../src/face/http/projection.ts";

const card = z.object({
  id: z.string(),
  keys: z
    .array(z.object({ kvn: z.number() }))
    .readonly()
    .optional(),
});

describe("what an answer takes from a value", () => {
  it.each([
    ["fields of the shape only", card, { id: "a", secret: "k" }, { id: "a" }],
    ["in lists too", card, { id: "a", keys: [{ kvn: 1, value: "k" }] }, { id: "a", keys: [{ kvn: 1 }] }],
    ["a field that is null", z.object({ at: card.nullable() }), { at: null, more: 1 }, { at: null }],
    ["nothing of what is absent", card, { id: "a", keys: undefined }, { id: "a" }],
    ["all of an open object", z.looseObject({ in: card }), { in: { id: "a", x: 1 }, y: 2 }, { in: { id: "a" }, y: 2 }],
    ["a record as it is", z.record(z.string(), z.unknown()), { any: { thing: 1 } }, { any: { thing: 1 } }],
    [
      "of several shapes the one that it has",
      z.union([z.literal("off"), z.object({ port: z.number() })]),
      { port: 1, secret: "k" },
      { port: 1 },
    ],
    ["nothing of a shape that none of several is", z.union([z.literal("off"), card]), { secret: "k" }, undefined],
  ])("%s", (_, shape, value, expected) => {
    expect(projectionOf(shape)(value)).toEqual(expected);
  });
});
