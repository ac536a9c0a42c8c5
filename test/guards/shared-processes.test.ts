import { expect, it } from "vitest";
import { filesBelow } from "./sources.ts";

/** Calls at the top level of a file that are meant for the test file that runs. */
const forOneFile = /^(?:await )?(?:vi\.\w+|beforeAll|beforeEach|afterAll|afterEach)\(/m;

it("files that tests import register nothing when they are loaded: in a shared process only the first test file loads them", () => {
  const helpers = filesBelow(["test"], /(?<!\.test)\.ts$/);
  expect(helpers.length).toBeGreaterThan(50);
  expect(helpers.filter(({ text }) => forOneFile.test(text)).map(({ path }) => path)).toEqual([]);
});
