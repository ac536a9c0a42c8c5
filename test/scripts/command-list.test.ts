import { Help } from "commander";
import { describe, expect, it } from "vitest";
import { commandsBelow, commandTree } from "../../scripts/command-docs.ts";
import { commandList, isCommandName, isRecordCommand, listedTerm } from "../../src/app/command-list.ts";
import { commandPath } from "../../src/face/cli/examples.ts";

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

/** Commands that show what a daemon holds in memory, what is on a card, or what a file holds. */
const live = [
  ...["reader list", "connectivity show", "session list", "session show", "smsc list", "smsc show", "modem list"],
  ...[
    "modem show",
    "hardware-profile list",
    "hardware-profile show",
    "profile show",
    "sms list",
    "upstream list",
    "upstream dead list",
  ],
];

describe("commands on stored records", () => {
  const paths = [...commandsBelow(tree)].filter((command) => command.commands.length === 0).map(commandPath);

  it("are in the program", () => {
    const listed = Object.entries(commandList).flatMap(([name, entry]) =>
      "records" in entry ? entry.records.map((verb) => `${name} ${verb}`) : [],
    );
    expect(listed.length).toBeGreaterThan(20);
    expect(listed.filter((path) => !paths.includes(path))).toEqual([]);
    expect(listed.filter((path) => !isRecordCommand(path))).toEqual([]);
  });

  it("include every list and show that needs no card, link or session", () => {
    const reading = paths.filter((path) => / (?:list|show)$/.test(path));
    expect(reading.filter((path) => !isRecordCommand(path)).sort()).toEqual([...live].sort());
  });

  it("do not include words of the prototype", () => {
    expect(["toString list", "job", "job toString", ""].filter(isRecordCommand)).toEqual([]);
    expect(isCommandName("toString")).toBe(false);
  });
});
