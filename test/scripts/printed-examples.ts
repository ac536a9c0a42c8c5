import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandsBelow, commandTree, helpOf } from "../../scripts/command-docs.ts";
import { packageRoot } from "../../src/app/version.ts";

/** A command line that a page or the help prints. */
export interface PrintedExample {
  readonly where: string;
  /** As it is printed, without comment. */
  readonly line: string;
}

/** Whether a line calls the program, alone or in a pipe. */
const calls = /(?:^|[|;&] ?|\$ |npx )otagate /;

/** The commands of shell blocks, lines that go on joined; prompts and comments left out. */
function* shellLines(markdown: string): Generator<string> {
  for (const [, body = ""] of markdown.matchAll(/^```(?:sh|console|bash)\n(.*?)^```/gms)) {
    for (const line of body.replace(/\\\n\s*/g, " ").split("\n")) {
      const command = line
        .replace(/\s+# .*$/, "")
        .replace(/^\$ /, "")
        .trim();
      if (calls.test(command)) yield command;
    }
  }
}

/** Pages that print commands. */
const pages = ["README.md", ...readdirSync(join(packageRoot, "docs")).map((name) => `docs/${name}`)].filter(
  // The reference of commands is made from the help.
  (page) => page.endsWith(".md") && page !== "docs/cli.md",
);

/** Every example of the help, of README.md and of the pages below docs. */
export async function printedExamples(): Promise<PrintedExample[]> {
  const help = [...commandsBelow(await commandTree())].flatMap((command) =>
    helpOf(command)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => calls.test(line))
      .map((line) => ({ where: "--help", line })),
  );
  const written = pages.flatMap((page) =>
    [...shellLines(readFileSync(join(packageRoot, page), "utf8"))].map((line) => ({ where: page, line })),
  );
  const seen = new Set<string>();
  return [...help, ...written].filter(({ line }) => !seen.has(line) && seen.add(line));
}

/** The words of a command line as a shell makes them, as far as examples need it: quotes, pipes, redirections. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, single, double, plain = ""] of line.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g)) {
    words.push(single ?? double ?? plain);
  }
  return words;
}

/** The arguments of the program in an example: what stands behind its name up to a pipe or a redirection. */
export function argumentsOf(line: string): string[] {
  const words = wordsOf(line.slice(line.search(/otagate /)));
  const end = words.findIndex((word, at) => at > 0 && /^(\||<|>|>>|2>|&&|;|&)$/.test(word));
  return words.slice(1, end < 0 ? undefined : end);
}
