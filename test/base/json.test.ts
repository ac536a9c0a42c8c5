import { describe, expect, it } from "vitest";
import { jsonExcess, parseJson } from "../../src/base/json.ts";
import * as fc from "../fast-check.ts";

describe("JSON from outside", () => {
  it("is what JSON.parse makes of it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        expect(parseJson(JSON.stringify(value, undefined, 1))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each([
    ["[".repeat(64) + "]".repeat(64), undefined],
    ["[".repeat(65) + "]".repeat(65), 64],
    [`${'{"a":'.repeat(64)}[]`, 320],
    [`["${"[".repeat(100)}"]`, undefined],
    [`["\\"${"[".repeat(100)}"]`, undefined],
    [`["\\\\",${"[".repeat(64)}]`, 69],
    [`["a\\\\\\"${"[".repeat(100)}"]`, undefined],
    [`["${"[".repeat(100)}`, undefined],
    ["[[],[],[[]]]".repeat(100), undefined],
  ])("is measured outside of strings: %#", (text, offset) => {
    expect(jsonExcess(text)?.offset).toBe(offset);
    if (offset !== undefined)
      expect(() => parseJson(text)).toThrow(
        expect.objectContaining({
          code: "codec.text",
          message: expect.stringContaining("64 levels"),
          detail: { offset },
        }),
      );
  });

  it("has so many fields in an object and entries in a list, and more in all", () => {
    const fields = (count: number) => `{${Array.from({ length: count }, (_, at) => `"${at}":1`).join()}}`;
    expect(jsonExcess(fields(1000))).toBeUndefined();
    expect(jsonExcess(fields(1001))?.why).toContain("1000 fields");
    expect(jsonExcess(`[${fields(1000)},${fields(1000)}]`)).toBeUndefined();
    expect(jsonExcess(`[${"1,".repeat(19_999)}1]`)).toBeUndefined();
    expect(jsonExcess(`[${"1,".repeat(20_000)}1]`)?.why).toContain("20000 entries");
  });

  it("that is none is refused by its offset, never quoted", () => {
    const secret = "00112233445566778899AABBCCDDEEFF";
    for (const text of [`{"kic":"${secret}"`, `{"kic":${secret}}`, `{"kic":"${secret}"}}`, secret.slice(0, 3), ""])
      expect(() => parseJson(text)).toThrow(
        expect.objectContaining({ code: "codec.text", message: expect.not.stringContaining(secret.slice(0, 12)) }),
      );
  });

  it("costs what its length costs, whatever is in it", () => {
    const cost = (text: string) => {
      const before = process.cpuUsage();
      jsonExcess(text);
      return process.cpuUsage(before).user / 1000;
    };
    const quotes = (count: number) => `["${"\\\\".repeat(count)}"]`;
    for (const make of [quotes, (count: number) => '""'.repeat(count), (count: number) => '\\"'.repeat(count)]) {
      make(1000);
      expect(cost(make(500_000))).toBeLessThan(400);
    }
  });
});
