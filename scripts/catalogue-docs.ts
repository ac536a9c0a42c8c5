import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { packageRoot } from "../src/app/version.ts";
import { errorCatalogue, errorCodes, errorFamilies } from "../src/base/error-catalogue.ts";
import { type EventEntry, eventCatalogue, eventTypes } from "../src/gateway/model/event-catalogue.ts";

/** A page that is made from a catalogue: its file below `docs/` and its text. */
export interface CataloguePage {
  readonly file: string;
  readonly text: string;
}

const made = "Made by `npx tsx scripts/catalogue-docs.ts`; do not edit.";

/** All pages that are made from catalogues. */
export function cataloguePages(): CataloguePage[] {
  return [
    { file: "errors.md", text: errorPage() },
    { file: "events.md", text: eventPage() },
  ];
}

function errorPage(): string {
  const parts = [
    "# Errors",
    made,
    "Every error has a code of this list. The API answers with a problem (RFC 9457) whose `type` is the code and whose `facts` are its data; a command prints code and message and ends with the exit code; a job that did not succeed has the code in `error.code`.",
    "**Retry** gives whether the same work may succeed later: `never` (something has to be changed first), `later` (after a while) or `now` (at once, on fresh state). The gateway follows it by itself for jobs. Two facts decide whether work may be sent again: `fate` of an error in sending (`not-sent`: nothing left; `unknown`: it may have left), and `executed` of a failed job (whether the card carried the work out).",
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

function eventPage(): string {
  const parts = [
    "# Events",
    made,
    "Everything that happens is in one durable, numbered log: `GET /v1/events/log` gives it in pages, `GET /v1/events` as a stream, and upstreams receive it as CloudEvents of type `otagate.` and the name below. An event has its position `seq`, its time `at` in milliseconds, its `type`, the ids of its `target` and `job` where there is one, and the `data` below; in a CloudEvent `data` also contains the records that the event is about (`docs/upstream.md`). Data may get further fields.",
    "Filters name types, separated by commas; `job.*` matches every type that begins with `job.`. The former names `procedure.*` match `switch.*` for one release.",
  ];
  for (const type of eventTypes) {
    const { text, since, clause, data }: EventEntry = eventCatalogue[type];
    parts.push(`## \`${type}\``);
    parts.push(`${text}.${clause === undefined ? "" : ` ${clause}.`} Since ${since}.`);
    const rows = fieldRows(z.toJSONSchema(data), "");
    if (rows.length > 0) parts.push(["| data | type | meaning |", "| --- | --- | --- |", ...rows].join("\n"));
  }
  return `${parts.join("\n\n")}\n`;
}

type Schema = z.core.JSONSchema.BaseSchema;

/** One row for each property of a schema, those of objects and lists below their own. */
function fieldRows({ properties = {}, required = [] }: Schema, above: string): string[] {
  return Object.entries(properties).flatMap(([name, shape]) => {
    if (typeof shape === "boolean") return [];
    const path = `${above}${name}`;
    const optional = required.includes(name) ? "" : ", optional";
    const row = `| \`${path}\` | ${typeOf(shape)}${optional} | ${shape.description ?? ""} |`;
    const { items } = shape;
    const below = typeof items === "object" && !Array.isArray(items) ? items : shape;
    return [row, ...fieldRows(below, `${path}${below === shape ? "." : "[]."}`)];
  });
}

function typeOf(shape: Schema): string {
  if (shape.const !== undefined) return `\`${shape.const}\``;
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${value}\``).join(" ");
  if (shape.anyOf !== undefined) return shape.anyOf.map(typeOf).join(" or ");
  const { items } = shape;
  if (shape.type === "array" && typeof items === "object" && !Array.isArray(items)) return `list of ${typeOf(items)}`;
  return String(shape.type ?? "any");
}

/** The page as it is on disk; empty when there is none. */
export function pageOnDisk({ file }: CataloguePage): string {
  return readFileSync(join(packageRoot, "docs", file), { encoding: "utf8", flag: "a+" });
}

if (process.argv[1]?.endsWith("catalogue-docs.ts")) {
  for (const page of cataloguePages())
    if (pageOnDisk(page) !== page.text) writeFileSync(join(packageRoot, "docs", page.file), page.text);
}
