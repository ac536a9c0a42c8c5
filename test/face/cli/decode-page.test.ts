import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { kicHex, kidHex } from "../../explain/worked.ts";
import { argumentsOf, wordsOf } from "../../scripts/printed-examples.ts";
import { run } from "./run-commands.ts";

const page = readFileSync(join(packageRoot, "docs", "decode.md"), "utf8");

/** A command of the page and, in the block behind it, an excerpt of what it prints. */
const printed = [...page.matchAll(/^```sh\n([^\n]*)\n```\n+```text\n(.*?)^```/gms)].map(
  ([, command = "", excerpt = ""]) => [command, excerpt.trimEnd().split("\n")] as const,
);

describe("what docs/decode.md prints", () => {
  it("is found", () => {
    expect(printed.length).toBe(2);
  });

  it.each(printed)("%s prints these lines in this order", async (command, excerpt) => {
    const [, given] = /^printf '%s\\n' (.*) \| otagate/.exec(command) ?? [];
    const surroundings = { env: { KID: kidHex }, readText: () => kicHex };
    const input = given === undefined ? [] : [`${wordsOf(given).join("\n")}\n`];
    const { stdout, code } = await run(argumentsOf(command), input, surroundings);
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    let at = -1;
    for (const line of excerpt) {
      const next = lines.indexOf(line, at + 1);
      expect({ line, found: next > at }).toEqual({ line, found: true });
      at = next;
    }
  });
});
