import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/app/version.ts";
import { errorCatalogue, errorCodes, errorFamilies } from "../src/base/error-catalogue.ts";

/** A page that is made from a catalogue: its file below `docs/` and its text. */
export interface CataloguePage {
  readonly file: string;
  readonly text: string;
}

const made = "Made by `npx tsx scripts/catalogue-docs.ts`; do not edit.";

/** All pages that are made from catalogues. */
export function cataloguePages(): CataloguePage[] {
  return [{ file: "errors.md", text: errorPage() }];
}

function errorPage(): string {
  const parts = [
    "# Errors",
    made,
    "Every error has a code of this list. The API answers with a problem (RFC 9457) whose `type` is the code and whose `facts` are its data; a command prints code and message and ends with the exit code; a job that did not succeed has the code in `error.code`.",
    "**Retry** says whether the same work may succeed later: `never` (something has to be changed first), `later` (after a while) or `now` (at once, on fresh state). The gateway follows it by itself for jobs. Two facts decide whether work may be sent again: `fate` of an error in sending (`not-sent`: nothing left; `unknown`: it may have left), and `executed` of a failed job (whether the card carried the work out).",
  ];
  for (const [family, title] of Object.entries(errorFamilies)) {
    const rows = errorCodes
      .filter((code) => code.startsWith(`${family}.`))
      .map((code) => {
        const { text, http, exit, retry, advice } = errorCatalogue[code];
        return `| \`${code}\` | ${text} | ${http} | ${exit} | ${retry} | ${advice} |`;
      });
    parts.push(`## \`${family}\`: ${title}`);
    parts.push(
      ["| code | meaning | HTTP | exit | retry | what to do |", "| --- | --- | --- | --- | --- | --- |", ...rows].join(
        "\n",
      ),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

/** The page as it is on disk; empty when there is none. */
export function pageOnDisk({ file }: CataloguePage): string {
  return readFileSync(join(packageRoot, "docs", file), { encoding: "utf8", flag: "a+" });
}

if (process.argv[1]?.endsWith("catalogue-docs.ts")) {
  for (const page of cataloguePages())
    if (pageOnDisk(page) !== page.text) writeFileSync(join(packageRoot, "docs", page.file), page.text);
}
