import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { parseAid } from "../../src/codec/euicc/aid.ts";
import {
  type ProfileSwitch,
  type ProfileSwitchEvent,
  stepProfileSwitch,
} from "../../src/gateway/model/profile-switch.ts";
import { migrations } from "../../src/store/entities.ts";
import { filesBelow } from "./sources.ts";

const read = (path: string) => readFileSync(join(packageRoot, path), "utf8");

/** The cells of the table rows below a heading, without the head. */
function rows(page: string, heading: string): string[][] {
  const [section = ""] = page.slice(page.indexOf(heading) + heading.length).split(/\n#+ /, 1);
  return section
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .slice(1)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const states = read("docs/development/states.md");
const accepted: ProfileSwitch = {
  id: "prc_1",
  target: "tgt_1",
  job: "job_1",
  kind: "enable",
  aid: parseAid("A0000005591010FFFFFFFF8900001300"),
  at: "accepted",
  acceptedAt: 1,
  holdUntil: 2,
};
const isdP = accepted.aid;
const events: readonly ProfileSwitchEvent[] = [
  { kind: "notified", type: 2, isdP, at: 3 },
  { kind: "notified", type: 3, isdP, at: 3 },
  { kind: "confirmed", at: 3 },
  { kind: "lapsed", at: 3 },
];
const [notified, rolledBack, confirmed, lapsed] = events;
/** How each state is reached. */
const paths: Readonly<Record<string, readonly (ProfileSwitchEvent | undefined)[]>> = {
  accepted: [],
  switched: [notified],
  confirmed: [notified, confirmed],
  "rolled-back": [rolledBack],
  lapsed: [lapsed],
};

describe("docs/development/states.md", () => {
  it("has the steps of a profile switch", () => {
    const table = rows(states, "## Profile switch");
    expect(table.map(([state]) => state)).toEqual(Object.keys(paths));
    for (const [state = "", ...cells] of table) {
      const from = (paths[state] ?? []).reduce(
        (now, event) => (event === undefined ? now : stepProfileSwitch(now, event)),
        accepted,
      );
      expect(from.at).toBe(state);
      expect(cells).toEqual(events.map((event) => stepProfileSwitch(from, event).at));
    }
  });

  it("has the states of the SCP81 dialog", () => {
    const code = read("src/link/scp81/dialog.ts");
    const union = /export type DialogState =([\s\S]*?);\n\n/.exec(code)?.[1] ?? "";
    const named = [...union.matchAll(/at: "(\w+)"/g)].map(([, name]) => `\`${name}\``);
    expect(named.length).toBeGreaterThan(3);
    expect(rows(states, "## SCP81 dialog").map(([name]) => name)).toEqual(named);
  });
});

describe("docs/development/data-model.md", () => {
  const table = rows(read("docs/development/data-model.md"), "# Data model");
  const schema = migrations.map(({ sql }) => sql).join("\n");

  it("has every table of the schema and no other", () => {
    const made = [...schema.matchAll(/CREATE TABLE (\w+)/g)].map(([, name = ""]) => name);
    expect(new Set(table.map(([name = ""]) => name.replaceAll("`", "")))).toEqual(new Set(made));
  });

  it("has the primary keys of the schema", () => {
    const keys = new Map(
      schema
        .split("CREATE TABLE ")
        .slice(1)
        .map((text) => {
          const body = text.slice(0, text.indexOf("STRICT"));
          const [, one] = /(\w+) \w+ PRIMARY KEY/.exec(body) ?? [];
          const [, several = ""] = /PRIMARY KEY \(([^)]+)\)/.exec(body) ?? [];
          return [/^\w+/.exec(text)?.[0] ?? "", one ?? several];
        }),
    );
    const shown = table.map(([name = "", key = ""]) => [name.replaceAll("`", ""), key.replaceAll("`", "")]);
    expect(shown).toEqual(shown.map(([name = ""]) => [name, keys.get(name)]));
  });

  it("names the sealed columns", () => {
    const sealed = table.filter(([, , , column]) => column !== "").map(([name, , , column]) => `${name}.${column}`);
    const named = /(?:ALTER TABLE (\w+) ADD COLUMN|CREATE TABLE (\w+) \([^;]*,) secret BLOB/g;
    const inSchema = [...schema.matchAll(named)].map(([, changed, created]) => `\`${changed ?? created}\`.\`secret\``);
    expect(sealed).toEqual(expect.arrayContaining(inSchema));
    expect(sealed).toHaveLength(inSchema.length + 2);
    for (const [, , , column = ""] of table)
      if (column !== "") expect(schema).toContain(`${column.replaceAll("`", "")} BLOB`);
  });
});

describe("the pages for contributors", () => {
  const pages = filesBelow(["docs"], /\.md$/).concat({ path: "CONTRIBUTING.md", text: read("CONTRIBUTING.md") });

  it("link to files that exist", () => {
    const missing = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !existsSync(join(packageRoot, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it("name files that exist", () => {
    const named = [
      ...read("docs/development/README.md").matchAll(
        /`((?:src|drivers|simulators|scripts|test|hardware-profiles|docs)\/[\w./-]+)`/g,
      ),
    ]
      .map(([, path = ""]) => path)
      .filter((path) => !/NAME|MODEL/.test(path));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(packageRoot, path)))).toEqual([]);
  });
});

describe("the how-tos", () => {
  const page = read("docs/development/README.md");

  it("contain excerpts that are in the files", () => {
    const excerpts = [...page.matchAll(/^```\w+\n\/\/ (\S+)\n([\s\S]*?)\n```$/gm)];
    expect(excerpts).toHaveLength((page.match(/^```\w+$/gm) ?? []).length);
    expect(excerpts.length).toBeGreaterThan(10);
    for (const [, path = "", text = ""] of excerpts) expect(read(path), path).toContain(text);
  });

  it("show an excerpt in each", () => {
    const sections = page.split(/^## /m).slice(1);
    expect(sections).toHaveLength(6);
    expect(
      sections.filter((section) => !section.includes("\n```")).map((section) => section.split("\n", 1)[0]),
    ).toEqual([]);
  });

  it("list the tags of the API", () => {
    const operations = filesBelow(["src/face/api"], /\.ts$/).map(({ text }) => text);
    const used = operations.flatMap((text) =>
      [...text.matchAll(/^ {4}tags: \["(\w+)"\],$/gm)].map(([, tag = ""]) => tag),
    );
    expect(used.length).toBeGreaterThan(10);
    expect([...new Set(used)].filter((tag) => !page.includes(`\`${tag}\``))).toEqual([]);
  });
});
