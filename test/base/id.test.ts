import { describe, expect, it } from "vitest";
import { newId } from "../../src/base/id.ts";

describe("newId", () => {
  it("is a prefix and 26 digits, and never goes backwards", () => {
    let last = "";
    for (let i = 0; i < 10_000; i++) {
      const id = newId("job");
      expect(id).toMatch(/^job_[0-9a-hjkmnp-tv-z]{26}$/);
      expect(id > last).toBe(true);
      last = id;
    }
  });

  it("begins with its time, even when the clock was set back", () => {
    const later = newId("x", 200_000_000_000_000);
    expect(newId("x", 1) > later).toBe(true);
    const time = [...later.slice(2, 12)].reduce(
      (sum, digit) => sum * 32 + "0123456789abcdefghjkmnpqrstvwxyz".indexOf(digit),
      0,
    );
    expect(time).toBe(200_000_000_000_000);
  });
});
