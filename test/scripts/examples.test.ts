import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { commandsBelow, commandTree } from "../../scripts/command-docs.ts";
import { argumentsOf, printedExamples } from "./printed-examples.ts";

/** The tree of commands, in which nothing is run: what was parsed is remembered. */
async function parser(): Promise<{ readonly tree: Command; readonly parsed: Command[] }> {
  const tree = await commandTree();
  const parsed: Command[] = [];
  for (const command of [tree, ...commandsBelow(tree)]) {
    command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command.commands.length === 0) {
      command.action((...given: unknown[]) => {
        const last = given.at(-1);
        if (typeof last === "object" && last !== null) parsed.push(command);
      });
    }
  }
  return { tree, parsed };
}

/** What stands for something else in an example: `…` for more of the same kind. */
function completed(args: readonly string[]): string[] {
  return args.map((arg) => arg.replace(/…$/, "01012012341234012345678901224")).filter((arg) => arg !== "");
}

const examples = await printedExamples();

describe("every printed example is a command that exists, with its arguments and options", () => {
  it("finds them", () => {
    expect(examples.filter(({ where }) => where === "--help").length).toBeGreaterThan(100);
    expect(examples.filter(({ where }) => where === "README.md").length).toBeGreaterThan(10);
    expect(examples.filter(({ where }) => where.startsWith("docs/")).length).toBeGreaterThan(5);
  });

  it.each(examples.map(({ where, line }) => [where, line] as const))("%s: %s", async (_, line) => {
    const { tree, parsed } = await parser();
    const args = completed(argumentsOf(line));
    // `es5 FUNCTION --target … …` leaves what only its function knows to the reader.
    if (args[0] === "es5" && line.endsWith(" …")) args.splice(args.length - 1, 1);
    let refused: unknown;
    try {
      await tree.parseAsync(args, { from: "user" });
    } catch (error) {
      refused = error instanceof Error ? error.message : error;
    }
    const incomplete = args[0] === "es5" && line.endsWith(" …");
    if (incomplete && typeof refused === "string") expect(refused).toMatch(/required option|missing required/);
    else expect({ refused, ran: parsed.length }).toEqual({ refused: undefined, ran: 1 });
  });
});
