import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";

it("the hardware profile that the page prints is the file that it names", () => {
  const page = readFileSync(join(packageRoot, "docs", "hardware-profiles.md"), "utf8");
  const [, path = "", printed = ""] = /This is `([^`]+\.json)`[\s\S]*?```json\n([\s\S]*?)```/.exec(page) ?? [];
  expect(printed).toBe(readFileSync(join(packageRoot, path), "utf8"));
});
