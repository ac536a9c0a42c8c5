import { describe, expect, it } from "vitest";
import { cut, elapsed, table } from "../../../src/face/cli/terminal.ts";

const header = ["ID", "STATE", "WHY"];
const rows = [
  ["job_01k9a2b3c4d5e6f7g8h9j0k1m2", "failed", "card.status: the card answered 6985: conditions of use not satisfied"],
  ["job_01k9a2b3c4d5e6f7g8h9j0k1m3", "done", ""],
];
const widthOf = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("table", () => {
  it("leaves every cell whole where there is room", () => {
    const text = table(header, rows, 200);
    for (const cell of rows.flat()) expect(text).toContain(cell);
  });

  it.each([100, 80, 60, 40])("fits %i columns by cutting the widest ones", (columns) => {
    const text = table(header, rows, columns);
    expect(widthOf(text)).toBeLessThanOrEqual(columns);
    expect(text).toContain("failed");
    expect(text).toContain("…");
    expect(text.split("\n")[1]).toMatch(/^job_01k9/);
  });

  it("keeps columns readable on a terminal that is too narrow for all of them", () => {
    expect(table(header, rows, 5).split("\n")[1]).toMatch(/^job_01k… {2}failed {2}card\.st…$/);
  });

  it("takes rows without cells and no rows at all", () => {
    expect(table(header, [], 80)).toBe("ID  STATE  WHY\n");
    expect(table(header, [[]], 80)).toContain("ID");
  });
});

describe("cut", () => {
  it("measures what is seen, and drops the colors of what it cuts", () => {
    const bold = "\u001b[1mcampaign\u001b[22m running";
    expect(cut(bold, 16)).toBe(bold);
    expect(cut(bold, 10)).toBe("campaign …");
  });
});

it.each([
  [36, "36 ms"],
  [12_340, "12.3 s"],
  [59_949, "59.9 s"],
  [59_950, "1 min 0 s"],
  [103_793, "1 min 44 s"],
  [7_500_000, "2 h 5 min"],
])("a duration of %i ms is shown as %s", (ms, text) => {
  expect(elapsed(ms)).toBe(text);
});
