import { describe, expect, it } from "vitest";
import { cataloguePages, pageOnDisk } from "../../scripts/catalogue-docs.ts";
import { commandsBelow, commandTree } from "../../scripts/command-docs.ts";
import { errorCatalogue } from "../../src/base/error-catalogue.ts";
import { commandPath } from "../../src/face/cli/examples.ts";

describe("pages made from catalogues", () => {
  it.each(cataloguePages().map((page) => [page.file, page] as const))(
    "docs/%s is up to date; `npm run generate` writes it again",
    (_, page) => {
      expect(pageOnDisk(page)).toBe(page.text);
    },
  );
});

describe("the advice of the error catalogue", async () => {
  const tree = await commandTree();
  const commands = new Set([...commandsBelow(tree)].map(commandPath));

  it("is a sentence, and names only commands that exist", () => {
    for (const [code, { advice }] of Object.entries(errorCatalogue)) {
      expect(advice, code).toMatch(/^[A-Z`].*\.$/);
      for (const [, named = ""] of advice.matchAll(/`otagate ([a-z ]+)`/g)) expect(commands, code).toContain(named);
    }
  });
});
