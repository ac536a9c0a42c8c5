import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { filesBelow } from "./sources.ts";

/** Turns of phrase that docs/development/style.md rules out, with what to write in their place. */
const patterns: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\b(?:is|are|was|answers?|counts?|shown|knows?|replaces it) no more\b(?! than)/i, "no longer"],
  [/\banew\b/i, "again"],
  [/\bwhoever\b/i, "the role: the client, the caller"],
  [/\b(?:somebody|someone)\b/i, "the role: a client, another program"],
  [/\banybody\b/i, "any client, any sender"],
  [/\b(?:nobody|no one) (?:knows?|waits?|asked|listens?|else)\b/i, "unknown, without a caller"],
  [/\bpeople\b/i, "users, operators, display"],
  [/\b(?:is|are|was|were|be|been) told\b/i, "is notified, receives, is reported"],
  [/\btold of\b/i, "notified of"],
  [/\btells (?:of|its|the|a|what|that|whether|how|why|nothing)\b/i, "reports, contains, indicates"],
  [/\bhears? (?:of|that)\b/i, "receives"],
  [/\bheard of\b/i, "received"],
  [/\b(?:what|would) (?:becomes?|became) of\b/i, "the outcome of"],
  [/\bwhat came of\b/i, "the result of"],
  [/(?:^|[.!?:] )Else\b(?! {)/m, "otherwise"],
  [/[,;] else (?!if\b|\{)[a-z]/, "otherwise"],
  [/\b(?:[Hh]e|[Hh]im|[Hh]is)\b(?! or)/, "it, its"],
  [/\bfor people\b/i, "for display"],
  [/\bas people (?:write|read|know|paste)\b/i, "in the usual notation"],
  [/\blies costs?\b/i, "is faulty"],
  [/\bhow they do\b/i, "with status"],
  [/\bas it should be\b/i, "correct, valid"],
  [/\bnot any more\b/i, "no longer"],
  [
    /\b(?:it|this|that|which) is no (?:number|date|text|digit|list|packet|script|answer|address|host|network|PDU)\b/i,
    "is not a",
  ],
  [/\blest\b/i, "so that … not"],
  [/\bfor good\b/i, "permanently"],
  [/\b(?:goes|go|went|gone) on\b/i, "continues"],
  [/\bnobody\b/i, "no client, no caller, unknown"],
  [/\b(?:is|are) there twice\b|\bstands? twice\b/i, "duplicate"],
  [/\bwhere \S+(?: to \d+)? belongs?\b|\bbelongs? here\b/i, "must have, in place of"],
  [/\b(?:is|are) gone for\b/i, "is lost"],
  [/\bstrangers?\b/i, "unknown or unauthenticated clients"],
  [/\b(?:lets? go|let be)\b/i, "releases, disconnects"],
  [/\bput off\b/i, "deferred"],
  [/\bat hand\b/i, "in memory, present"],
  [/\bSM-SRs? above\b/, "upstream"],
  [/\bpassing trouble\b/i, "a temporary failure"],
  [/\b(?:all the same|after all)\b/i, "nevertheless, late"],
  [/\bfor sure\b/i, "certainly"],
  [/\bvouch(?:es)?\b/i, "proves"],
  [/\bbrought back in step\b/i, "resynchronized"],
  [/\bwhat (?:it|a \w+|one \w+) came to\b/i, "the outcome"],
  [/\b(?:in|as) turns with others\b/i, "yields to other work"],
];

/** Words of the patterns in another sense: names, quotations and file formats. */
const allowed = /`[^`]*`|"[^"]*"|\bAnybody\.|https?:\S+/g;

interface Passage {
  readonly where: string;
  readonly text: string;
}

const clean = (text: string) => text.replace(allowed, "…");

/** The comments of a source: blocks, and runs of line comments joined to one text. */
function comments({ path, text }: { path: string; text: string }): Passage[] {
  return [...text.matchAll(/^[ \t]*\/\*\*?[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n?)+/gm)].map((match) => ({
    where: `${path}:${text.slice(0, match.index).split("\n").length}`,
    text: match[0].replace(/^[ \t]*(?:\/\*\*?|\*\/|\*|\/\/)[ \t]?/gm, "").replace(/\s*\n\s*/g, " "),
  }));
}

/** Texts that a program prints or returns: literals with a space and lower-case words. */
function messages({ path, text }: { path: string; text: string }): Passage[] {
  return text.split("\n").flatMap((line, index) =>
    /^\s*(?:\/\/|\*|\/\*|import |export \* )/.test(line)
      ? []
      : [...line.matchAll(/"([^"\\]|\\.)*"|`([^`\\]|\\.)*`/g)]
          .map(([literal]) => literal.slice(1, -1).replace(/\$\{[^}]*\}/g, "…"))
          .filter((literal) => /[a-z]{2,} [a-z]/.test(literal))
          .map((literal) => ({ where: `${path}:${index + 1}`, text: literal })),
  );
}

/** The prose of a page: everything outside code. */
function prose({ path, text }: { path: string; text: string }): Passage[] {
  const blanked = text.replace(/```[\s\S]*?```/g, (block) => block.replace(/[^\n]/g, ""));
  return blanked.split("\n").map((line, index) => ({ where: `${path}:${index + 1}`, text: line }));
}

function found(passages: readonly Passage[]): string[] {
  return passages.flatMap(({ where, text }) =>
    patterns
      .filter(([pattern]) => pattern.test(clean(text)))
      .map(([pattern, instead]) => `${where}: ${pattern.exec(clean(text))?.[0]} (write: ${instead})`),
  );
}

const sources = filesBelow(["src", "drivers", "simulators", "scripts", "bench"], /\.(ts|mjs)$/);
const pages = filesBelow(["docs", "hardware-profiles", "scenarios", "packaging"], /\.(md|yaml|yml)$/).concat(
  ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map((path) => ({
    path,
    text: readFileSync(join(packageRoot, path), "utf8"),
  })),
);

describe("the English of the product", () => {
  it("has none of the patterns of the style page in its documents", () => {
    const own = pages.filter(({ path }) => path !== "docs/development/style.md");
    expect(own.length).toBeGreaterThan(25);
    expect(found(own.flatMap(prose))).toEqual([]);
  });

  it("has none of them in help, errors, log lines and descriptions", () => {
    const texts = sources.filter(({ path }) => !path.startsWith("bench")).flatMap(messages);
    expect(texts.length).toBeGreaterThan(3000);
    expect(found(texts)).toEqual([]);
  });

  it("has none of them in comments", () => {
    const texts = sources.flatMap(comments);
    expect(texts.length).toBeGreaterThan(5000);
    expect(found(texts)).toEqual([]);
  });

  it("would be found", () => {
    const bad = [
      "the modem answers no more",
      "the session is opened anew",
      "Whoever reads it",
      "for people and logs",
      "it is taken; else it is refused",
      "Else it waits.",
      "what becomes of a script",
      "upstreams and how they do",
      "refused for good",
      "the run goes on",
      "31 digits where 32 belong",
      "the attribute is there twice",
      "SM-SRs above us",
      "what a unit came to",
      "jobs that were put off",
      "refused after all",
    ];
    expect(bad.filter((text) => found([{ where: "x", text }]).length === 0)).toEqual([]);
    const good = ["no more than 4 octets", "`told` is a field", "history", "the others", "tells are rare; elsewhere"];
    expect(found(good.map((text) => ({ where: "x", text })))).toEqual([]);
  });
});
