import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { commandsBelow, commandTree, helpOf } from "../../scripts/command-docs.ts";
import { commandPath } from "../../src/face/cli/examples.ts";
import { Product, program } from "./product.ts";

/** Examples that need neither daemon nor hardware nor files, as the help prints them. */
const alone = [...commandsBelow(commandTree())]
  .filter((command) =>
    /^(script (en|de)code|scp80 |tpdu |envelope|decode|profile (list|show))/.test(commandPath(command)),
  )
  .flatMap((command) => helpOf(command).split("\n"))
  .map((line) => line.trim())
  .filter((line) => /(^|\| )otagate /.test(line) && !/…| < /.test(line));

it.each(alone)("the help's example works: %s", async (line) => {
  await using product = new Product();
  const env = { ...product.env, KIC: "00112233445566778899AABBCCDDEEFF", KID: "FFEEDDCCBBAA99887766554433221100" };
  const command = line.replace(/(^|\| )otagate /, `$1"${process.execPath}" "${program}" `);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { env, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).not.toBe("");
});

it("finds such examples", () => {
  expect(alone.length).toBeGreaterThan(7);
});
