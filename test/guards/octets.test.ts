import { expect, it } from "vitest";
import { filesBelow } from "./sources.ts";

/** Files that still convert between octets and hexadecimal, and in how many lines at most. The list only gets shorter. */
const allowed: Readonly<Record<string, number>> = {
  "src/gateway/eis/eis-records.ts": 5,
  "src/gateway/targets/target-keys.ts": 1,
  "src/gateway/targets/target-shape.ts": 2,
};

/** Conversions, the import of one included, and those of Node. */
const conversions = [/\b(fromHex|toHex)\b/, /\.from\([^()]*(\([^()]*\))?[^()]*, "hex"\)/, /toString\("hex"\)/];

it("octets stay octets inside the gateway: hexadecimal belongs to faces and to the rows of the store", () => {
  const found = filesBelow(["src/gateway"], /\.ts$/).flatMap(({ path, text }) => {
    const lines = text.split("\n").filter((line) => conversions.some((one) => one.test(line))).length;
    return lines === (allowed[path] ?? 0) ? [] : [`${path}: ${lines} lines`];
  });
  expect(found).toEqual([]);
});
