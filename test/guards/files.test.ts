import { describe, expect, it } from "vitest";
import { filesBelow } from "./sources.ts";

const sources = filesBelow(["src", "drivers", "simulators"], /\.ts$/);

describe("source files", () => {
  it("have at most 400 lines", () => {
    const long = sources.filter(({ text }) => text.split("\n").length > 401);
    expect(long.map(({ path, text }) => `${path}: ${text.split("\n").length - 1} lines`)).toEqual([]);
  });

  it("have no barrels, no catch-all names, no default exports", () => {
    const names = /(^|\/)(index|utils|helpers|types|common|constants)\.ts$/;
    expect(sources.filter(({ path }) => names.test(path)).map(({ path }) => path)).toEqual([]);
    expect(sources.filter(({ text }) => /^export default /m.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it("tell no history and leave no task behind", () => {
    const marks = new RegExp(
      `\\b(${["TO", "FIX", "X"].map((part, at) => part + ["DO", "ME", "XX"][at]).join("|")})\\b`,
    );
    expect(sources.filter(({ text }) => marks.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe("the repository", () => {
  it("names no folder of the machine it was made on", () => {
    // Put together here, so that this file does not find itself.
    const foreign = ["work", "tmp/otagate", "root", "home/[a-z]+"].map((path) => `/${path}/`);
    const pattern = new RegExp(`(^|[\\s"'\`(=:])(${foreign.join("|")})`, "m");
    const all = filesBelow(
      ["src", "drivers", "simulators", "scripts", "docs", "bench", "bin", "hardware-profiles", "test"],
      /\.(ts|mjs|js|md|json|at|sh|yaml|pl)$/,
    );
    expect(all.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
