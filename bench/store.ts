/**
 * What a statement and a commit of the store cost. A statement: described, compiled and executed by Kysely each time;
 * compiled once and run prepared, as the store does; and written by hand, the baseline. A commit: units of three rows, 1,
 * 10, 64 and 100 at a time, against bare better-sqlite3 that writes the same rows in one transaction and flushes its log;
 * with counters, so that the marks are flushed too, and without. Rounds in turns, medians of microseconds.
 *
 *   npx tsx bench/store.ts [rounds]
 */
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Sqlite, { type Database } from "better-sqlite3";
import { type CompiledQuery, Kysely, SqliteDialect } from "kysely";
import type { Repositories } from "../src/gateway/model/store.ts";
import { SqliteStore } from "../src/store/sqlite-store.ts";
import { Statements } from "../src/store/statements.ts";

const rounds = Number(process.argv[2] ?? 5);
const flush = promisify(fdatasync);
const seal = { seal: (clear: Uint8Array) => clear, open: (sealed: Uint8Array) => sealed };

interface Tables {
  event: { seq: number | undefined; at: number; type: string; target: string | null; job: string | null; data: string };
}

type Side = { readonly name: string; readonly run: () => Promise<number> };

async function inTurns(sides: readonly Side[]): Promise<void> {
  const all = sides.map(() => [] as number[]);
  for (let round = -1; round < rounds; round++)
    for (const [index, side] of sides.entries()) {
      const value = await side.run();
      if (round >= 0) all[index]?.push(value);
    }
  const medians = all.map((list) => list.sort((a, b) => a - b)[list.length >> 1] ?? 0);
  const base = medians.at(-1) ?? 1;
  for (const [index, { name }] of sides.entries()) {
    const value = medians[index] ?? 0;
    console.log(`${name.padEnd(58)} ${value.toFixed(1).padStart(8)} µs   ${(value / base).toFixed(2)} of the baseline`);
  }
}

async function perCall(database: Database, count: number, call: (index: number) => unknown): Promise<number> {
  database.exec("BEGIN");
  const began = performance.now();
  for (let index = 0; index < count; index++) await call(index);
  const took = performance.now() - began;
  database.exec("ROLLBACK");
  return (took * 1000) / count;
}

async function statements(database: Database): Promise<void> {
  const own = new Statements(database);
  const db = own.tables<Tables>();
  const executing = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
  const select = own.prepare((seq: number) => db.selectFrom("event").selectAll().where("seq", "=", seq));
  const insert = own.prepare((at: number, data: string) =>
    db.insertInto("event").values({ seq: undefined, at, type: "job.done", target: "t", job: "j", data }),
  );
  const [hand, handInsert] = [
    database.prepare("SELECT * FROM event WHERE seq = ?"),
    database.prepare("INSERT INTO event (at, type, target, job, data) VALUES (?, 'job.done', 't', 'j', ?)"),
  ];
  const bySeq = (seq: number): CompiledQuery<Tables["event"]> =>
    db.selectFrom("event").selectAll().where("seq", "=", seq).compile();
  const count = 5_000;
  const side = (name: string, call: (index: number) => unknown): Side => ({
    name,
    run: () => perCall(database, count, call),
  });
  database.prepare("INSERT INTO event (at, type, data) VALUES (1, 'job.done', '{}')").run();
  await inTurns([
    side("select: built and executed by Kysely", () =>
      executing.selectFrom("event").selectAll().where("seq", "=", 1).execute(),
    ),
    side("select: built and compiled by Kysely, nothing executed", () => bySeq(1)),
    side("select: compiled once, run prepared", () => select.first(1)),
    side("select: prepared by hand (baseline)", () => hand.get(1)),
  ]);
  await inTurns([
    side("insert: built and executed by Kysely", (at) =>
      executing
        .insertInto("event")
        .values({ seq: undefined, at, type: "job.done", target: "t", job: "j", data: "{}" })
        .execute(),
    ),
    side("insert: compiled once, run prepared", (at) => insert.run(at, "{}")),
    side("insert: prepared by hand (baseline)", (at) => handInsert.run(at, "{}")),
  ]);
}

const unitOf =
  (counter: boolean) =>
  async (r: Repositories): Promise<void> => {
    if (counter) await r.keySets.nextCounter("key_1");
    for (let row = 0; row < 3; row++) await r.events.append({ at: row, type: "target.removed", data: {} });
  };

async function commits(folder: string): Promise<void> {
  await using store = await SqliteStore.open(join(folder, "ours"), seal);
  await store.write(async (r) => {
    const keySet = {
      id: "key_1",
      target: "tgt_1",
      type: "SCP80",
      kvn: 1,
      tars: [],
      algorithm: "AES",
      ccLength: 8,
    } as const;
    const times = { createdAt: 1, updatedAt: 1, version: 1 };
    await r.targets.insert({ id: "tgt_1", kind: "euicc", ...emptyTarget, ...times });
    await r.keySets.put({ ...keySet, cntr: 0, keys: new Map() });
  });
  const path = join(folder, "bare.db");
  const bare = new Sqlite(path);
  for (const pragma of ["page_size = 8192", "journal_mode = WAL", "synchronous = NORMAL"]) bare.pragma(pragma);
  bare.exec(
    "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, type TEXT, target TEXT, job TEXT, data TEXT)",
  );
  const insert = bare.prepare("INSERT INTO event (at, type, data) VALUES (?, 'target.removed', '{}')");
  const log = openSync(`${path}-wal`, "r+");
  const timed = async (times: number, once: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    for (let index = 0; index < times; index++) await once();
    return ((performance.now() - began) * 1000) / times;
  };
  for (const size of [1, 10, 64, 100]) {
    const times = Math.ceil(200 / Math.sqrt(size));
    const ours = (counter: boolean) => () =>
      timed(times, () => Promise.all(Array.from({ length: size }, () => store.write(unitOf(counter)))));
    await inTurns([
      { name: `commit of ${size} units, each with a counter`, run: ours(true) },
      { name: `commit of ${size} units`, run: ours(false) },
      {
        name: `the same rows by hand, one flush (baseline)`,
        run: () =>
          timed(times, async () => {
            bare.transaction(() => {
              for (let row = 0; row < 3 * size; row++) insert.run(row);
            })();
            await flush(log);
          }),
      },
    ]);
  }
  closeSync(log);
  bare.close();
}

const emptyTarget = { esimProfiles: [], reach: {}, settings: {}, tags: [] };

const folder = mkdtempSync(join(tmpdir(), "otagate-bench-store-"));
try {
  await (await SqliteStore.open(join(folder, "tables"), seal))[Symbol.asyncDispose]();
  const database = new Sqlite(join(folder, "tables", "otagate.db"));
  await statements(database);
  database.close();
  await commits(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
