import { Help } from "commander";
import { describe, expect, it } from "vitest";
import { commandTree } from "../../scripts/command-docs.ts";
import { listedTerm } from "../../src/face/cli/command-list.ts";

const tree = await commandTree();

describe("the list of commands, printed without the modules behind it", () => {
  it.each(tree.commands.map((command) => [command.name(), command] as const))(
    "has the options and arguments of %s",
    (_, command) => {
      expect(listedTerm(command)).toBe(new Help().subcommandTerm(command));
      expect(command.options.length + command.commands.length).toBeGreaterThan(0);
    },
  );
});
