import { describe, expect, it } from "vitest";
import { exportsWithImporters } from "./exports.ts";
import { moduleOf } from "./modules.ts";
import { filesBelow } from "./sources.ts";

const sources = filesBelow(["src", "drivers", "simulators"], /\.ts$/);
const users = filesBelow(["test", "scripts", "bench"], /\.(ts|mjs)$/);
const all = exportsWithImporters(sources, users);

/** Exports outside codec and crypto that only tests use, and why each is part of the product. */
const forTests: Readonly<Record<string, string>> = {
  "src/link/modem/at/transcript.ts#parseTranscript": "the reading direction of the file that `profile probe` writes",
  "simulators/euicc/eis.ts#exportMnoKeySets": "the keys of a simulated profile, which no EIS contains",
};

const label = ({ path, name }: { path: string; name: string }) => `${path}#${name}`;
const isTest = (path: string) => path.startsWith("test/");
/** A format is written and read: the direction that the product does not need serves the tests of the standard. */
const isFormat = (path: string) => /^src\/(codec|crypto)\//.test(path);

describe("exports", () => {
  it("are imported by another file", () => {
    expect(all.length).toBeGreaterThan(2000);
    const unused = all.filter(({ importers }) => importers.length === 0).map(label);
    expect(unused).toEqual([]);
  });

  it("are used by the product; codec and crypto functions may be used by tests only", () => {
    const testOnly = all
      .filter(
        ({ path, importers, usedInside }) =>
          importers.length > 0 && importers.every(isTest) && !usedInside && !isFormat(path),
      )
      .map(label);
    expect(testOnly.filter((one) => !(one in forTests))).toEqual([]);
    expect(Object.keys(forTests).filter((one) => !testOnly.includes(one))).toEqual([]);
  });

  it("would be found", () => {
    // Quoted otherwise, so that this file imports none of them.
    const quoted = (text: string) => text.replaceAll("'", '"');
    const source = {
      path: "x/a.ts",
      text: "export const one = 1;\nexport type Two = 2;\nexport async function three() {}\nexport class Four {}\nexport interface Five {}\nconst six = one;\nexport { six as seven };\nexport const { nine } = { nine: 9 };\n// export const eight = 8;\n",
    };
    expect(moduleOf(source).exports).toEqual(["one", "Two", "three", "Four", "Five", "seven", "nine"]);
    const user = (path: string, text: string) => ({ path, text: quoted(text) });
    const found = exportsWithImporters(
      [source],
      [
        user("x/b.ts", "import { one as uno, type Two } from './a.ts';"),
        user("y/c.ts", "const { three } = await import('../x/a.ts');"),
        user("x/d.ts", "import { Four } from './other.ts';"),
        user("x/e.ts", "let five: import('./a.ts').Five;"),
      ],
    );
    expect(found.map(({ name, importers, usedInside }) => [name, importers, usedInside])).toEqual([
      ["one", ["x/b.ts"], true],
      ["Two", ["x/b.ts"], false],
      ["three", ["y/c.ts"], false],
      ["Four", [], false],
      ["Five", ["x/e.ts"], false],
      ["seven", [], false],
      ["nine", [], true],
    ]);
  });
});
