import { existsSync, mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { GatewayError } from "../base/gateway-error.ts";
import type { GatewayEvent } from "../gateway/event.ts";
import type { Repositories, Seal, Store } from "../gateway/store.ts";
import { kyselyOver } from "./connection.ts";
import { migrations } from "./migrations/all.ts";
import { repositories } from "./repositories.ts";

interface Unit {
  readonly run: (repositories: Repositories) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Units taken into one commit at most; a bound on how long the first of them waits. */
const batchLimit = 512;

/**
 * The embedded store: SQLite in WAL mode, one writer and one reader handle. Units of work that arrive while a commit
 * is under way share the next one (group commit), so durability costs one disk flush per batch, not per unit. SQLite
 * itself only writes the log (`synchronous = NORMAL`); the flush that makes a commit durable is ours and leaves the
 * main thread free, and nobody hears of a commit, reads included, before it is done.
 */
export class SqliteStore implements Store {
  readonly #writer: BetterSqlite3.Database;
  readonly #reader: BetterSqlite3.Database;
  readonly #lock: BetterSqlite3.Database;
  readonly #log: LogFile;
  readonly #control: ReturnType<typeof controlOf>;
  readonly #write: Repositories;
  readonly #read: Repositories;
  readonly #queue: Unit[] = [];
  readonly #listeners = new Set<(events: readonly GatewayEvent[]) => void>();
  #fresh: GatewayEvent[] = [];
  #draining: Promise<void> | undefined;
  #flushing: Promise<void> | undefined;
  #closed = false;
  #tellLost: (reason: GatewayError) => void = () => {};
  /** Resolves when the disk failed to take a commit: nothing more is taken until the store is opened again. */
  readonly lost: Promise<GatewayError> = new Promise((resolve) => {
    this.#tellLost = resolve;
  });

  private constructor(
    handles: {
      writer: BetterSqlite3.Database;
      reader: BetterSqlite3.Database;
      lock: BetterSqlite3.Database;
      log: LogFile;
    },
    seal: Seal,
  ) {
    this.#writer = handles.writer;
    this.#reader = handles.reader;
    this.#lock = handles.lock;
    this.#log = handles.log;
    this.#control = controlOf(this.#writer);
    this.#write = repositories(kyselyOver(this.#writer), seal, (event) => this.#fresh.push(event));
    this.#read = repositories(kyselyOver(this.#reader), seal, () => {});
  }

  /**
   * Opens (and creates or migrates) the store in `folder`.
   * @throws store.unavailable, store.locked (another process has it), store.version (written by a newer otagate)
   */
  static async open(folder: string, seal: Seal): Promise<SqliteStore> {
    const { default: Sqlite } = await import("better-sqlite3").catch((cause: unknown) => {
      throw new GatewayError(
        "store.unavailable",
        "the native module better-sqlite3 cannot be loaded; run `npm rebuild better-sqlite3`",
        { cause },
      );
    });
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new GatewayError("store.unavailable", `the state folder ${folder} cannot be made`, { cause });
    }
    const lock = new Sqlite(join(folder, "otagate.lock"), { timeout: 0 });
    try {
      lock.pragma("journal_mode = DELETE");
      lock.pragma("locking_mode = EXCLUSIVE");
      lock.exec("BEGIN EXCLUSIVE");
    } catch (cause) {
      lock.close();
      throw new GatewayError("store.locked", `another otagate uses ${folder}`, { detail: { folder }, cause });
    }
    const file = join(folder, "otagate.db");
    const fresh = !existsSync(file);
    const writer = new Sqlite(file);
    try {
      if (fresh) writer.pragma("page_size = 8192");
      writer.pragma("journal_mode = WAL");
      writer.pragma("synchronous = NORMAL");
      writer.pragma("wal_autocheckpoint = 4000");
      // Pages of a savepoint, else kept in a file.
      writer.pragma("temp_store = MEMORY");
      writer.pragma("foreign_keys = ON");
      migrate(writer);
      const reader = new Sqlite(file, { readonly: true });
      return new SqliteStore({ writer, reader, lock, log: new LogFile(`${file}-wal`) }, seal);
    } catch (cause) {
      writer.close();
      lock.close();
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError("store.unavailable", `the store in ${folder} cannot be opened`, { cause });
    }
  }

  write<T>(unit: (repositories: Repositories) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new GatewayError("store.unavailable", "the store is closed"));
    if (this.#log.failure !== undefined) return Promise.reject(lostDisk(this.#log.failure));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: unit, resolve: (value) => resolve(value as T), reject });
      this.#draining ??= this.#drain();
    });
  }

  async read<T>(unit: (repositories: Repositories) => Promise<T>): Promise<T> {
    if (this.#closed) throw new GatewayError("store.unavailable", "the store is closed");
    for (;;) {
      await this.#flushed();
      const value = await unit(this.#read);
      // A commit in the meantime may have been seen in part, and is not on the disk yet: look again when it is.
      if (this.#flushing === undefined) return value;
    }
  }

  async #flushed(): Promise<void> {
    while (this.#flushing !== undefined) {
      await this.#flushing.catch((cause: unknown) => {
        throw lostDisk(cause);
      });
    }
  }

  /** Gives the free part of the file back to the disk. Holds up everything else for as long as that takes. */
  compact(): void {
    this.#writer.exec("VACUUM");
    this.#writer.pragma("wal_checkpoint(TRUNCATE)");
  }

  onEvents(listener: (events: readonly GatewayEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#draining;
    this.#reader.close();
    this.#writer.close();
    this.#lock.close();
    await this.#log.close();
  }

  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      await this.#commitBatch();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#draining = undefined;
  }

  /** Runs what is queued in one transaction: the first unit without a savepoint, since nothing else is lost with it. */
  async #commitBatch(): Promise<void> {
    const settled: (() => void)[] = [];
    const taken: Unit[] = [];
    try {
      this.#control.begin.run();
      for (
        let unit = this.#queue.shift();
        unit !== undefined;
        unit = taken.length < batchLimit ? this.#queue.shift() : undefined
      ) {
        taken.push(unit);
        settled.push(taken.length === 1 ? await this.#runFirst(unit) : await this.#runUnit(unit));
      }
      this.#control.commit.run();
      this.#flushing = this.#log.flush();
      await this.#flushing;
    } catch (cause) {
      if (this.#writer.inTransaction) this.#control.rollback.run();
      this.#fresh = [];
      const error = new GatewayError("store.unavailable", "the store could not commit", { cause });
      for (const unit of taken.length > 0 ? taken : this.#queue.splice(0)) unit.reject(error);
      if (this.#log.failure !== undefined) this.#tellLost(lostDisk(this.#log.failure));
      return;
    } finally {
      this.#flushing = undefined;
    }
    const events = this.#fresh;
    this.#fresh = [];
    for (const settle of settled) settle();
    if (events.length > 0) for (const listener of this.#listeners) listener(events);
  }

  async #runFirst(unit: Unit): Promise<() => void> {
    try {
      const value = await unit.run(this.#write);
      return () => unit.resolve(value);
    } catch (error) {
      this.#control.rollback.run();
      this.#fresh = [];
      this.#control.begin.run();
      return () => unit.reject(error);
    }
  }

  /** Runs one unit inside its savepoint; what it returns tells the caller, after the commit. */
  async #runUnit(unit: Unit): Promise<() => void> {
    const mark = this.#fresh.length;
    this.#control.savepoint.run();
    try {
      const value = await unit.run(this.#write);
      this.#control.release.run();
      return () => unit.resolve(value);
    } catch (error) {
      this.#control.rollbackTo.run();
      this.#control.release.run();
      this.#fresh.length = mark;
      return () => unit.reject(error);
    }
  }
}

function lostDisk(cause: unknown): GatewayError {
  return new GatewayError("store.unavailable", "the disk did not take the store's log; start otagate again", { cause });
}

/** SQLite's write-ahead log, as a file of which every octet must reach the disk. */
class LogFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  /** Why a flush failed. After that none succeeds: what is on the disk is unknown until the store is opened again. */
  failure: unknown;

  constructor(path: string) {
    this.#path = path;
  }

  /** Until all that was written before is on the disk. */
  async flush(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    try {
      this.#file ??= await open(this.#path, "r+");
      await this.#file.datasync();
    } catch (cause) {
      this.failure = cause;
      throw cause;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

/** The statements of transactions, prepared once. */
function controlOf(database: BetterSqlite3.Database) {
  return {
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
    rollback: database.prepare("ROLLBACK"),
    savepoint: database.prepare("SAVEPOINT unit"),
    release: database.prepare("RELEASE unit"),
    rollbackTo: database.prepare("ROLLBACK TO unit"),
  };
}

function migrate(database: BetterSqlite3.Database): void {
  database.exec("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT");
  const done = new Set(
    database
      .prepare<[], { name: string }>("SELECT name FROM migration")
      .all()
      .map((row) => row.name),
  );
  const known = new Set(migrations.map((migration) => migration.name));
  for (const name of done) {
    if (!known.has(name)) {
      throw new GatewayError("store.version", `the store has the migration ${name}, which this version does not know`, {
        detail: { migration: name },
      });
    }
  }
  for (const migration of migrations) {
    if (done.has(migration.name)) continue;
    database.transaction(() => {
      database.exec(migration.sql);
      database.prepare("INSERT INTO migration (name, at) VALUES (?, ?)").run(migration.name, Date.now());
    })();
  }
}
