import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { es5Functions } from "../../src/codec/euicc/es5/functions.ts";

const tests = readFileSync(join(packageRoot, "test/codec/euicc/es5.test.ts"), "utf8");

it.each(es5Functions.map(({ name }) => name))("test/codec/euicc/es5.test.ts tests %s", (name) => {
  expect(tests).toContain(`name: "${name}"`);
});
