import { existsSync, statSync } from "node:fs";
import type BetterSqlite3 from "better-sqlite3";
import { GatewayError } from "../base/gateway-error.ts";
import { maxCounter } from "../gateway/model/key-set.ts";
import type { Seal } from "../gateway/model/store.ts";
import { migrations } from "./entities.ts";
import { LogFile } from "./log-file.ts";
import { makeFolder } from "./make-folder.ts";
import { MarkFile, type Marks } from "./mark-file.ts";
import { checkSeal, putProbe, sealEvidence } from "./seal-probe.ts";
import { damaged, storageError } from "./storage-error.ts";
import { filesOf, inspectFiles, openedIn, rewound, setAsideForeignLog, unmarked } from "./store-files.ts";

/**
 * The seal of the stored keys. `mayMake`: a missing master key may be created, which is not allowed while anything is
 * sealed with it. `made`: it was created.
 */
export type SealSource = Seal | ((mayMake: boolean) => { readonly seal: Seal; readonly made: boolean });

export interface OpenOptions {
  /** Called for anomalies that do not stop the start. */
  readonly warn?: (facts: object, text: string) => void;
  /** Continues with a store that lacks commits, and raises all counters by this number: see `otagate store recover`. */
  readonly recover?: { readonly raiseCounters: number };
}

/** The files and the state of an open store. */
export interface Opened {
  readonly writer: BetterSqlite3.Database;
  readonly reader: BetterSqlite3.Database;
  readonly lock: BetterSqlite3.Database;
  readonly log: LogFile;
  readonly marks: MarkFile;
  readonly seal: Seal;
  /** Number of commits that the store lacks, if it is opened for recovery and the number is known. */
  readonly missing: number | undefined;
  /** Commits so far. */
  readonly commits: number;
}

/** The store's own record of its state. */
interface Ledger {
  readonly commits: number;
  readonly opened: number;
  readonly instance: string;
}

/**
 * Opens (and creates or migrates) the files of a store for one process, and checks that they belong together.
 * @throws store.*, crypto.master-key, config.secret
 */
export async function openDatabase(folder: string, source: SealSource, options: OpenOptions): Promise<Opened> {
  const { default: Sqlite } = await import("better-sqlite3").catch((cause: unknown) => {
    throw new GatewayError(
      "store.unavailable",
      "the native module better-sqlite3 cannot be loaded; run `npm rebuild better-sqlite3`",
      { cause },
    );
  });
  const files = filesOf(folder);
  const open: { close(): unknown }[] = [];
  try {
    makeFolder(folder);
    const lock = new Sqlite(files.lock, { timeout: 0 });
    open.push(lock);
    takeLock(lock, folder);
    const before = MarkFile.read(files.marks);
    if (options.recover !== undefined) reportAside(setAsideForeignLog(folder, before), options);
    else inspectFiles(folder, before);
    const fresh = !existsSync(files.main);
    const writer = new Sqlite(files.main);
    open.push(writer);
    if (fresh) writer.pragma("page_size = 8192");
    writer.pragma("journal_mode = WAL");
    writer.pragma("synchronous = NORMAL");
    writer.pragma("wal_autocheckpoint = 4000");
    // For the pages of savepoints, which are otherwise written to a file.
    writer.pragma("temp_store = MEMORY");
    writer.pragma("foreign_keys = ON");
    if (before?.salts !== undefined && !fresh && logIsEmpty(files.log)) {
      if (options.recover === undefined) compare(folder, before, ledgerOf(writer));
      forgetSalts(files.marks, before);
    }
    const seal = once(() => checkedSeal(writer, source, folder));
    reportRemoved(migrate(writer, seal), options);
    touchTables(writer);
    const ledger = ledgerOf(writer);
    if (options.recover === undefined) compare(folder, before, ledger);
    if (before === undefined && ledger.opened > 0)
      options.warn?.({ folder }, "otagate.marks is missing: whether the store lacks commits is unknown");
    seal();
    if (ledger.opened === 0) markFirst(writer, files.marks);
    raiseCounters(writer, before, options);
    if (options.recover !== undefined) renameStore(writer, options.recover.raiseCounters);
    const opened = Math.max(ledger.opened, before?.opened ?? 0) + 1;
    const commits = Math.max(ledger.commits, before?.commits ?? 0);
    writer.prepare("UPDATE ledger SET opened = ?, commits = ?").run(opened, commits);
    writer.pragma(`user_version = ${opened}`);
    // Writes the number into the main file, so that an older copy of it can be recognized, unless a foreign reader
    // prevents the log from being applied.
    writer.pragma("wal_checkpoint(TRUNCATE)");
    const marks = MarkFile.create(files.marks, {
      instance: ledgerOf(writer).instance,
      opened: openedIn(folder),
      commits,
      counters: countersOf(writer),
    });
    open.push({ close: () => marks.close(false) });
    const reader = new Sqlite(files.main, { readonly: true });
    const missing = before === undefined ? undefined : Math.max(before.commits - ledger.commits, 0);
    return { writer, reader, lock, log: new LogFile(files.log), marks, seal: seal(), missing, commits };
  } catch (thrown) {
    for (const one of open.reverse()) one.close();
    throw storageError(thrown, folder) ?? thrown;
  }
}

/**
 * Writes the first marks before the store records that it was opened: a process that is killed in between leaves no
 * store that seems to have lost its marks. At that time the main file contains the name of the store.
 */
function markFirst(database: BetterSqlite3.Database, path: string): void {
  database.pragma("wal_checkpoint(TRUNCATE)");
  const { instance, commits, opened } = ledgerOf(database);
  MarkFile.create(path, { instance, opened, commits, counters: countersOf(database) }).close(false);
}

/**
 * A process that died after it had emptied the log left the salts of that log in the marks. SQLite begins an empty log
 * under salts of its own: with the former ones in the marks, another death would make it look like a foreign log.
 */
function forgetSalts(path: string, { salts: _, ...marks }: Marks): void {
  MarkFile.create(path, marks).close(false);
}

function logIsEmpty(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function takeLock(lock: BetterSqlite3.Database, folder: string): void {
  try {
    lock.pragma("journal_mode = DELETE");
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    if (!(cause instanceof Error) || !("code" in cause) || !/^SQLITE_(BUSY|LOCKED)/.test(String(cause.code)))
      throw cause;
    throw new GatewayError("store.locked", `another otagate process uses ${folder}`, { detail: { folder }, cause });
  }
}

/** Migrates the schema; returns the names of removed fields with their counts. */
function migrate(database: BetterSqlite3.Database, seal: () => Seal): ReadonlyMap<string, number> {
  const removed = new Map<string, number>();
  database.exec("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT");
  const done = new Set(
    database
      .prepare<[], { name: string }>("SELECT name FROM migration")
      .all()
      .map((row) => row.name),
  );
  const known = new Set(migrations.flatMap(({ name, formerNames = [] }) => [name, ...formerNames]));
  for (const name of done) {
    if (!known.has(name)) {
      throw new GatewayError("store.version", `the store contains the migration ${name} of a newer version`, {
        detail: { migration: name },
      });
    }
  }
  for (const migration of migrations) {
    if ([migration.name, ...(migration.formerNames ?? [])].some((name) => done.has(name))) continue;
    const record = database.prepare("INSERT INTO migration (name, at) VALUES (?, ?)");
    database.transaction(() => {
      database.exec(migration.sql);
      for (const [field, count] of Object.entries(migration.run?.(database, Date.now(), seal) ?? {}))
        removed.set(field, (removed.get(field) ?? 0) + count);
      if (migration.scrub !== true) record.run(migration.name, Date.now());
    })();
    if (migration.scrub !== true) continue;
    if (done.size > 0) scrub(database);
    record.run(migration.name, Date.now());
  }
  return removed;
}

/** Rewrites the file, so that no removed data remain in its free pages or in the log. */
function scrub(database: BetterSqlite3.Database): void {
  database.pragma("temp_store = DEFAULT");
  database.exec("VACUUM");
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.pragma("temp_store = MEMORY");
}

/** Maximum number of field names in one log line. */
const maxReported = 100;

function reportRemoved(removed: ReadonlyMap<string, number>, { warn }: OpenOptions): void {
  if (removed.size > 0)
    warn?.(
      { removed: Object.fromEntries([...removed].slice(0, maxReported)), fields: removed.size },
      "unknown target fields, which may have been keys, were removed from the store",
    );
}

/** Reads the beginning of every table and index, so that a damaged page is detected now and not by the first job. */
function touchTables(database: BetterSqlite3.Database): void {
  const tables = database
    .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all();
  for (const { name } of tables) database.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get();
}

export function ledgerOf(database: BetterSqlite3.Database): Ledger {
  const row = database
    .prepare<[], Ledger>("SELECT commits, opened, (SELECT id FROM instance) AS instance FROM ledger")
    .get();
  if (row === undefined) throw new GatewayError("store.corrupt", "the ledger of the store is missing");
  return row;
}

/** @throws store.rewound, store.corrupt */
export function compare(folder: string, before: Marks | undefined, ledger: Ledger): void {
  if (before === undefined) {
    if (ledger.opened > 0) throw unmarked(folder);
    return;
  }
  if (before.instance !== ledger.instance)
    throw damaged(
      folder,
      `otagate.marks belongs to another store (${before.instance}, and otagate.db is ${ledger.instance}); if otagate.db is the right one, restore its otagate.marks, or remove this one and run "otagate store recover"`,
    );
  const missing = before.commits - ledger.commits;
  if (missing > 0)
    throw rewound(
      folder,
      `the last ${missing} of ${before.commits} commits are missing: otagate.db-wal was lost, truncated or damaged, or an older copy was restored`,
      { missing, commits: before.commits },
    );
}

/** The seal, if the store's keys were sealed with it. @throws crypto.master-key, config.secret */
function checkedSeal(database: BetterSqlite3.Database, source: SealSource, folder: string): Seal {
  const evidence = sealEvidence(database);
  const mayMake = evidence.sealed === undefined;
  const { seal, made } = typeof source === "function" ? source(mayMake) : { seal: source, made: false };
  if (!made) checkSeal(evidence, seal, folder);
  if (made || evidence.probe === null) putProbe(database, seal);
  return seal;
}

/** Raises counters to at least the marked values, whatever the store contains. */
function raiseCounters(database: BetterSqlite3.Database, marks: Marks | undefined, { warn }: OpenOptions): void {
  const raise = database.prepare("UPDATE key_set SET cntr = ? WHERE id = ? AND cntr < ?");
  const raised = database.transaction(() =>
    [...(marks?.counters ?? [])].filter(([id, value]) => raise.run(value, id, value).changes > 0),
  )();
  if (raised.length > 0)
    warn?.(
      { keySets: raised.map(([id]) => id).slice(0, 20) },
      "counters in the store were too low and have been raised",
    );
}

/**
 * Gives the store a new name: upstreams detect repeated events by the name of the store and the number of the event,
 * and numbers are now used again.
 */
function renameStore(database: BetterSqlite3.Database, raise: number): void {
  database.exec("UPDATE instance SET id = lower(hex(randomblob(8)))");
  database.prepare("UPDATE key_set SET cntr = min(cntr + ?, ?)").run(raise, maxCounter);
}

function countersOf(database: BetterSqlite3.Database): Map<string, number> {
  const rows = database.prepare<[], { id: string; cntr: number }>("SELECT id, cntr FROM key_set").all();
  return new Map(rows.map(({ id, cntr }) => [id, cntr]));
}

function reportAside(path: string | undefined, { warn }: OpenOptions): void {
  if (path !== undefined) warn?.({ path }, "a write-ahead log of another store was renamed");
}
