import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { migrations } from "../../src/store/entities.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";

const noSeal = { seal: (clear: Uint8Array) => clear, open: (sealed: Uint8Array) => sealed };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-migrations-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function opened(): Promise<void> {
  await (await SqliteStore.open(folder, noSeal))[Symbol.asyncDispose]();
}

/** The steps that the store records, as they are after `change`. */
function recorded(change = (_: Sqlite.Database): void => undefined): string[] {
  const database = new Sqlite(join(folder, "otagate.db"));
  change(database);
  const names = database.prepare<[], string>("SELECT name FROM migration ORDER BY rowid").pluck().all();
  database.close();
  return names;
}

describe("the steps of the schema", () => {
  it("have numbers without gaps, in the order in which they run, and names that belong to one of them", () => {
    expect(migrations.map(({ name }) => /^(\d{4})-[a-z0-9-]+$/.exec(name)?.[1])).toEqual(
      migrations.map((_, at) => String(at + 1).padStart(4, "0")),
    );
    const names = migrations.flatMap(({ name, formerNames = [] }) => [name, ...formerNames]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("run once, also in a store that has them under their former names", async () => {
    await opened();
    const names = recorded();
    expect(names).toEqual(migrations.map(({ name }) => name));
    const former = recorded((database) => {
      const rename = database.prepare("UPDATE migration SET name = ? WHERE name = ?");
      for (const { name, formerNames } of migrations) rename.run(formerNames?.[0] ?? name, name);
    });
    expect(former).toHaveLength(names.length);
    expect(former).toEqual(expect.arrayContaining(["0001-first-light", "0032-target-fields", "0075-responses-sealed"]));
    await opened();
    expect(recorded()).toEqual(former);
  });

  it("of a newer version are refused", async () => {
    await opened();
    recorded((database) => database.exec("INSERT INTO migration (name, at) VALUES ('9999-of-tomorrow', 0)"));
    await expect(opened()).rejects.toMatchObject({ code: "store.version", detail: { migration: "9999-of-tomorrow" } });
  });
});
