import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { Progress, paint, printStatus, result, type Terminal, table } from "../../../src/face/cli/terminal.ts";
import { FramePrinter } from "../../../src/face/cli/trace-text.ts";
import { visible, visibleLines, visibleValue } from "../../../src/face/cli/visible.ts";
import * as fc from "../../fast-check.ts";

const hostile = [
  "\u001b[2J\u001b[H",
  "\u001b]0;title\u0007",
  "\u001b]52;c;c2VjcmV0\u0007",
  "\u009b31m",
  "\r\nDONE",
  "a\bb\u007f",
  "\u202eexe.gnp",
  "\u2066x\u2069",
  "\u0000",
];
// biome-ignore lint/suspicious/noControlCharactersInRegex: they must not come out
const acting = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

function terminal(fancy: boolean, json = false): Terminal & { text(): string } {
  const [out, err] = [new PassThrough(), new PassThrough()];
  return { out, err, fancy, json, text: () => `${String(out.read() ?? "")}${String(err.read() ?? "")}` };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colors of our own
const colors = /\u001b\[[0-9;]*m/g;

describe("text from outside on a terminal", () => {
  it.each(hostile)("is spelled out in results, remarks and progress: %j", (text) => {
    for (const fancy of [false, true]) {
      const to = terminal(fancy);
      result(to, [{ name: text, facts: { [text]: [text] } }], (items) =>
        table(
          ["NAME"],
          items.map(({ name }) => [paint(to, "red", name)]),
        ),
      );
      printStatus(to, `${paint(to, "red", "card.status")}: ${text.replaceAll("\n", "\n  ")}`);
      new Progress(to).show(text);
      const shown = to.text().replaceAll("\r\u001b[K", "").replace(colors, "");
      expect(shown).not.toMatch(acting);
      expect(shown.split("\n").every((line) => line !== "DONE")).toBe(true);
      expect(shown).toContain("NAME");
    }
  });

  it("is left alone in JSON, which spells out what it has to", () => {
    const to = terminal(false, true);
    result(to, { name: hostile.join("") }, () => "");
    expect(JSON.parse(to.text())).toEqual({ name: hostile.join("") });
  });

  it("is spelled out in frames", () => {
    for (const fancy of [false, true]) {
      const to = terminal(fancy);
      {
        using printer = new FramePrinter(to, (text) => void to.out.write(text));
        for (const text of hostile)
          printer.take({ seq: 1, at: 0, kind: "at", dir: "in", link: `modem${text}`, text, facts: { [text]: text } });
      }
      expect(to.text().replace(colors, "")).not.toMatch(acting);
    }
  });

  it("that is harmless stays as it is, in whatever script", () => {
    for (const text of ["Ångström €", "日本語", "عربي", "emoji 🎉", "a\\x1b"]) expect(visible(text)).toBe(text);
    expect(visibleLines("a\n\tb\n", false)).toBe("a\n\tb\n");
    expect(visible("a\n\tb")).toBe("a\\x0a\\x09b");
    expect(visibleLines("\u001b[1mbold\u001b[22m \u001b[2J", true)).toBe("\u001b[1mbold\u001b[22m \\x1b[2J");
    const value = { when: undefined, count: 1, list: [null, true, "x"] };
    expect(visibleValue(value)).toEqual(value);
  });

  it("never comes out acting, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        expect(visible(text)).not.toMatch(acting);
        expect(visibleLines(text, true).replace(colors, "")).not.toMatch(acting);
      }),
    );
  });
});
