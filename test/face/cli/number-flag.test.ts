import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { secondsOf, shareOf, wholeNumber } from "../../../src/face/cli/number-flag.ts";

/** The value that a command gets, or the text with which it is refused. */
function given(parser: (text: string) => number, text: string): number | string {
  const command = new Command("x").exitOverride().configureOutput({ writeErr: () => undefined });
  command.option("--flag <n>", "", parser);
  try {
    return command.parse([`--flag=${text}`], { from: "user" }).opts<{ flag: number }>().flag;
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe("a number as a flag", () => {
  it.each([
    [wholeNumber, "20", 20],
    [secondsOf, "0.5", 0.5],
    [shareOf, ".25", 0.25],
    [shareOf, "1", 1],
  ] as const)("is taken", (parser, text, value) => expect(given(parser, text)).toBe(value));

  it.each([
    [wholeNumber, "many", "It must be a whole number from 0, such as 20."],
    [wholeNumber, "-1", "It must be a whole number from 0, such as 20."],
    [wholeNumber, "9007199254740993", "It must be a whole number from 0, such as 20."],
    [secondsOf, "5m", "It must be a number of seconds, such as 30 or 0.5."],
    [shareOf, "25%", "It must be a share from 0 to 1, such as 0.25."],
    [shareOf, "1.1", "It must be a share from 0 to 1, such as 0.25."],
  ] as const)("is refused with the flag, the value and what would be right", (parser, text, right) =>
    expect(given(parser, text)).toBe(`error: option '--flag <n>' argument '${text}' is invalid. ${right}`),
  );
});
