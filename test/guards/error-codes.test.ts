import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../../src/base/error-catalogue.ts";
import { filesBelow } from "./sources.ts";

const sources = filesBelow(["src", "drivers", "simulators"], /\.ts$/);
const families = new Set(Object.keys(errorCatalogue).map((code) => code.split(".")[0]));

describe("the error catalogue", () => {
  it("has every code that is thrown", () => {
    const thrown = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/(?:new GatewayError|codecError)\(\s*"([a-z0-9]+\.[a-z0-9-]+)"/g)].map(([, code = ""]) => ({
        path,
        code,
      })),
    );
    expect(thrown.length).toBeGreaterThan(200);
    expect(thrown.filter(({ code }) => !Object.hasOwn(errorCatalogue, code))).toEqual([]);
  });

  it("has no code that nothing gives", () => {
    const given = new Set(
      sources
        .filter(({ path }) => !path.startsWith("src/base/errors/"))
        .flatMap(({ text }) => [...text.matchAll(/["'`]([a-z0-9]+\.[a-z0-9-]+)["'`]/g)].map(([, code]) => code)),
    );
    const silent = Object.keys(errorCatalogue).filter((code) => !given.has(code));
    expect(silent).toEqual([]);
  });

  it("names families by their documented names and gives exit codes of the documented set", () => {
    expect(families.size).toBeGreaterThan(10);
    for (const [code, { exit, http, text }] of Object.entries(errorCatalogue)) {
      expect(code).toMatch(/^[a-z0-9]+\.[a-z0-9-]+$/);
      expect([1, 2, 3, 4, 5, 6, 7]).toContain(exit);
      expect(http).toBeGreaterThanOrEqual(400);
      expect(text).not.toMatch(/\.$/);
    }
  });
});
