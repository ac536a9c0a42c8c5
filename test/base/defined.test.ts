import { describe, expect, expectTypeOf, test } from "vitest";
import { withoutUndefined } from "../../src/base/defined.ts";

describe("withoutUndefined", () => {
  test("leaves out the keys whose value is undefined and nothing else", () => {
    const given = { a: undefined, b: null, c: false, d: 0, e: "", f: Number.NaN, g: undefined };
    expect(Object.entries(withoutUndefined(given))).toEqual([
      ["b", null],
      ["c", false],
      ["d", 0],
      ["e", ""],
      ["f", Number.NaN],
    ]);
    expect(Object.hasOwn(withoutUndefined(given), "a")).toBe(false);
  });

  test("keeps the order of the keys", () => {
    expect(JSON.stringify(withoutUndefined({ z: 1, y: undefined, x: 2, a: 3 }))).toBe('{"z":1,"x":2,"a":3}');
  });

  test("returns a copy and leaves nested records as they are", () => {
    const inner = { a: undefined };
    const given = { inner };
    const copy = withoutUndefined(given);
    expect(copy).not.toBe(given);
    expect(copy.inner).toBe(inner);
    expect(Object.hasOwn(copy.inner, "a")).toBe(true);
  });

  test("a key named __proto__ does not set the prototype of the copy", () => {
    const copy: object = withoutUndefined(JSON.parse('{"__proto__":{"a":1},"b":2}'));
    expect(Object.keys(copy)).toEqual(["b"]);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });
});

describe("its type", () => {
  type Of<T extends object> = ReturnType<typeof withoutUndefined<T>>;

  test("a member that may be undefined becomes optional, since its key may be missing", () => {
    expectTypeOf<Of<{ a: number | undefined }>>().toEqualTypeOf<{ a?: number }>();
    expectTypeOf<Of<{ a?: number | undefined }>>().toEqualTypeOf<{ a?: number }>();
    expectTypeOf<Of<{ a?: number }>>().toEqualTypeOf<{ a?: number }>();
    expectTypeOf(withoutUndefined<{ a: number | undefined }>({ a: 1 }).a).toEqualTypeOf<number | undefined>();
  });

  test("a member that cannot be undefined stays required", () => {
    expectTypeOf<Of<{ a: number; b: string | null }>>().toEqualTypeOf<{ a: number; b: string | null }>();
    expectTypeOf<Of<{ readonly a: number }>>().toEqualTypeOf<{ readonly a: number }>();
  });

  test("a member of unknown type may be missing", () => {
    expectTypeOf<Of<{ a: unknown }>>().toEqualTypeOf<{ a?: unknown }>();
  });

  test("undefined below the outermost level stays possible", () => {
    expectTypeOf<Of<{ a: { b: number | undefined } }>>().toEqualTypeOf<{ a: { b: number | undefined } }>();
  });

  test("a union stays a union, each variant with its own members", () => {
    type Either = { kind: "a"; x: number | undefined } | { kind: "b"; y?: string };
    expectTypeOf<Of<Either>>().toEqualTypeOf<{ kind: "a"; x?: number } | { kind: "b"; y?: string }>();
  });

  test("a dictionary stays a dictionary", () => {
    expectTypeOf<Of<Record<string, number | undefined>>>().toEqualTypeOf<{ [name: string]: number }>();
  });

  test("a list and a function are no records", () => {
    expectTypeOf<Of<number[]>>().toEqualTypeOf<never>();
    expectTypeOf<Of<() => void>>().toEqualTypeOf<never>();
  });
});
