import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { Interrupt } from "../src/app/interrupt.ts";
import { wholeProgram } from "../src/app/main.ts";
import { packageRoot } from "../src/app/version.ts";
import { commandPath } from "../src/face/cli/examples.ts";

/** Where the page is. */
export const pagePath = join(packageRoot, "docs", "cli.md");

/** The tree of commands, as the program builds it. */
export function commandTree(): Promise<Command> {
  const terminal = { out: new PassThrough(), err: new PassThrough(), fancy: false, json: false };
  return wholeProgram(
    terminal,
    {},
    new Interrupt(
      () => undefined,
      () => undefined,
    ),
  );
}

/** All commands below one, in the order of the help, groups before what is in them. */
export function* commandsBelow(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child;
    yield* commandsBelow(child);
  }
}

/** What a command prints for `--help`, examples included. */
export function helpOf(command: Command): string {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (part) => void parts.push(part), getOutHelpWidth: () => 100 });
  command.outputHelp();
  return parts.join("").trimEnd();
}

/** The page of all commands, as Markdown. */
export async function commandPage(): Promise<string> {
  const tree = await commandTree();
  const parts = [
    "# Commands",
    "Made by `npx tsx scripts/command-docs.ts` from the commands themselves; do not edit. Every command takes `--json`; those that wait for a card take `--trace`. Without a running daemon a command works in its own process, on the same state folder. Commands that only read or change stored records (lists, `show`, `target import`) then open no hardware; all others first continue open jobs.",
    fenced(helpOf(tree)),
  ];
  for (const command of commandsBelow(tree)) {
    const group = command.commands.length > 0;
    parts.push(`${group ? "##" : command.parent === tree ? "##" : "###"} otagate ${commandPath(command)}`);
    parts.push(group ? command.description() : fenced(helpOf(command)));
  }
  return `${parts.join("\n\n")}\n`;
}

const fenced = (text: string) => `\`\`\`text\n${text}\n\`\`\``;

if (process.argv[1]?.endsWith("command-docs.ts") || process.argv[1]?.endsWith("command-docs.js")) {
  const page = await commandPage();
  if (readFileSync(pagePath, { encoding: "utf8", flag: "a+" }) !== page) writeFileSync(pagePath, page);
}
