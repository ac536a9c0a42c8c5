import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { commandPage, commandsBelow, commandTree, helpOf, pagePath } from "../../scripts/command-docs.ts";
import { commandPath } from "../../src/face/cli/examples.ts";

const tree = await commandTree();
const leaves = [...commandsBelow(tree)].filter((command) => command.commands.length === 0);

describe("the tree of commands", () => {
  it("has noun and verb, two words at most but for the dead letters of an upstream", () => {
    expect(leaves.length).toBeGreaterThan(50);
    expect(
      leaves.map(commandPath).filter((path) => path.replace("upstream dead", "dead").split(" ").length > 2),
    ).toEqual([]);
  });

  it.each(leaves.map((command) => [commandPath(command), command] as const))(
    "otagate %s --help describes it and shows an example of it",
    (path, command) => {
      const help = helpOf(command);
      expect(command.description()).not.toBe("");
      expect(help).toMatch(/\nExamples?:\n/);
      expect(help.slice(help.indexOf("\nExample"))).toContain(`otagate ${path}`);
    },
  );

  it.each(leaves.map((command) => [commandPath(command), command] as const))(
    "otagate %s describes its options and arguments",
    (_, command) => {
      const shown = command.options.filter((option) => !option.hidden);
      expect(shown.filter((option) => option.description === "").map(({ flags }) => flags)).toEqual([]);
      expect(command.registeredArguments.filter((one) => one.description === "").map((one) => one.name())).toEqual([]);
      const help = helpOf(command).replace(/\s+/g, " ");
      for (const { long } of shown.filter((option) => option.mandatory && option.defaultValue === undefined))
        expect(help).toMatch(new RegExp(`${long} .*\\(required\\)`));
    },
  );

  it("is what docs/cli.md says; `npm run generate` writes it again", async () => {
    expect(readFileSync(pagePath, "utf8")).toBe(await commandPage());
  });
});
