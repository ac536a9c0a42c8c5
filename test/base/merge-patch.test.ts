import { describe, expect, it } from "vitest";
import { type MergePatch, mergePatch } from "../../src/base/merge-patch.ts";

/** The examples of RFC 7396 Appendix A whose documents are objects. */
const examples: readonly (readonly [object, MergePatch<Record<string, unknown>>, object])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

describe("a merge patch", () => {
  it.each(examples)("%j with %j is %j", (document, patch, result) => {
    const before = structuredClone(document);
    expect(mergePatch(document, patch)).toEqual(result);
    expect(document).toEqual(before);
  });

  it("leaves a field alone that is undefined in it", () => {
    expect(mergePatch<Record<string, unknown>>({ a: 1 }, { a: undefined })).toEqual({ a: 1 });
  });
});
