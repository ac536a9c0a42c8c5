import { existsSync } from "node:fs";
import type BetterSqlite3 from "better-sqlite3";
import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import type { GatewayEvent } from "../gateway/model/event.ts";
import type { Repositories, Store } from "../gateway/model/store.ts";
import { kyselyOver } from "./connection.ts";
import type { LogFile } from "./log-file.ts";
import type { MarkFile } from "./mark-file.ts";
import { type Opened, type OpenOptions, openDatabase, type SealSource } from "./open-database.ts";
import { repositories } from "./repositories.ts";
import { storageError } from "./storage-error.ts";
import { filesOf } from "./store-files.ts";

interface Unit {
  readonly run: (repositories: Repositories) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Units taken into one commit at most; a bound on how long the first of them waits. */
const batchLimit = 512;
/** Octets that the marks of one commit may take: a counter and its key set's id for each unit, twice. */
const markOctets = batchLimit * 120;
const checkEveryMs = 1000;

/**
 * The embedded store: SQLite in WAL mode, one writer and one reader handle. Units of work that arrive while a commit
 * is under way share the next one (group commit), so durability costs one disk flush per batch, not per unit. SQLite
 * itself only writes the log (`synchronous = NORMAL`); the flush that makes a commit durable is ours and leaves the
 * main thread free, and nobody hears of a commit, reads included, before it is done. Commits are counted, in the store
 * and beside it, so that one that is lost later is missed; see {@link MarkFile}.
 */
export class SqliteStore implements Store {
  readonly #writer: BetterSqlite3.Database;
  readonly #reader: BetterSqlite3.Database;
  readonly #lock: BetterSqlite3.Database;
  readonly #log: LogFile;
  readonly #marks: MarkFile;
  readonly #folder: string;
  readonly #warn: NonNullable<OpenOptions["warn"]>;
  /** Commits that were once told of and that the store lacked when it was opened to be recovered, if that is known. */
  readonly missing: number | undefined;
  readonly #control: ReturnType<typeof controlOf>;
  readonly #write: Repositories;
  readonly #read: Repositories;
  readonly #queue: Unit[] = [];
  readonly #listeners = new Set<(events: readonly GatewayEvent[]) => void>();
  #fresh: GatewayEvent[] = [];
  #counters: (readonly [string, number])[] = [];
  /** Commits so far. */
  #commits: number;
  /** The batch has to reach the disk although no unit changes anything. */
  #touched = false;
  #trouble: GatewayError | undefined;
  #checking: { readonly at: number; readonly done: Promise<void> } | undefined;
  #draining: Promise<void> | undefined;
  #flushing: Promise<void> | undefined;
  #closed = false;
  #tellLost: (reason: GatewayError) => void = () => {};
  /** Resolves when the disk failed to take a commit: nothing more is taken until the store is opened again. */
  readonly lost: Promise<GatewayError> = new Promise((resolve) => {
    this.#tellLost = resolve;
  });

  private constructor(folder: string, opened: Opened, warn: NonNullable<OpenOptions["warn"]>) {
    this.#warn = warn;
    this.#folder = folder;
    this.#writer = opened.writer;
    this.#reader = opened.reader;
    this.#lock = opened.lock;
    this.#log = opened.log;
    this.#marks = opened.marks;
    this.missing = opened.missing;
    this.#commits = opened.commits;
    this.#control = controlOf(this.#writer);
    this.#write = repositories(kyselyOver(this.#writer), opened.seal, {
      event: (event) => this.#fresh.push(event),
      counter: (id, value) => this.#counters.push([id, value]),
    });
    this.#read = repositories(kyselyOver(this.#reader), opened.seal, { event: () => {}, counter: () => {} });
  }

  /**
   * Opens (and creates or migrates) the store in `folder`.
   * @throws store.unavailable, store.full, store.corrupt, store.rewound (it lacks commits that somebody was told of),
   * store.locked (another process has it), store.version (written by a newer otagate), crypto.master-key (another one
   * than its keys are sealed with), config.secret (none, and it has keys)
   */
  static async open(folder: string, seal: SealSource, options: OpenOptions = {}): Promise<SqliteStore> {
    return new SqliteStore(folder, await openDatabase(folder, seal, options), options.warn ?? (() => {}));
  }

  /** Why nothing can be stored: what the latest write came to, unless it was stored. */
  get trouble(): GatewayError | undefined {
    return this.#log.failure === undefined ? this.#trouble : lostDisk(this.#log.failure);
  }

  /** Stores something of no meaning, at most once a second however often it is asked. @throws store.* */
  async check(): Promise<void> {
    const now = performance.now();
    if (this.#checking === undefined || now - this.#checking.at >= checkEveryMs) {
      const done = this.write(async () => {
        this.#touched = true;
      });
      this.#checking = { at: now, done };
    }
    // What came after it counts as well.
    await this.#checking.done.catch(() => {});
    if (this.trouble !== undefined) throw this.trouble;
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
      const value = await unit(this.#read).catch((thrown: unknown) => {
        throw this.#translated(thrown);
      });
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
    try {
      // SQLite has emptied the log, unless it could not.
      this.#marks.close(this.#log.failure === undefined && !existsSync(filesOf(this.#folder).log));
    } finally {
      this.#lock.close();
      await this.#log.close();
    }
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
      this.#marks.reserve(markOctets);
      this.#control.begin.run();
      const before = this.#changes();
      for (
        let unit = this.#queue.shift();
        unit !== undefined;
        unit = taken.length < batchLimit ? this.#queue.shift() : undefined
      ) {
        taken.push(unit);
        settled.push(taken.length === 1 ? await this.#runFirst(unit) : await this.#runUnit(unit));
      }
      const commits = this.#changes() === before && !this.#touched ? undefined : this.#control.count.get()?.commits;
      this.#control.commit.run();
      this.#flushing = this.#settle(commits);
      await this.#flushing;
    } catch (cause) {
      if (this.#writer.inTransaction) this.#control.rollback.run();
      this.#forget();
      const error =
        (this.#log.failure === undefined ? storageError(cause, this.#folder) : undefined) ??
        new GatewayError("store.unavailable", "the store could not commit", { cause });
      this.#trouble = error;
      for (const unit of taken.length > 0 ? taken : this.#queue.splice(0)) unit.reject(error);
      if (this.#log.failure !== undefined) this.#tellLost(lostDisk(this.#log.failure));
      return;
    } finally {
      this.#flushing = undefined;
      this.#touched = false;
    }
    const events = this.#fresh;
    this.#forget();
    for (const settle of settled) settle();
    if (events.length > 0) for (const listener of this.#listeners) this.#tell(listener, events);
  }

  /**
   * Makes a commit durable: first itself, then the mark that it was made. The mark waits for the disk only when
   * counters are in it: a packet must not leave before. All other marks outlive the process at once.
   */
  async #settle(commits: number | undefined): Promise<void> {
    // Without a change there is nothing that could be lost.
    if (commits === undefined) return;
    await this.#log.flush();
    this.#commits = commits;
    this.#trouble = undefined;
    try {
      this.#marks.note(commits, this.#counters, this.#log.salts());
      if (this.#counters.length > 0) await this.#marks.flush();
    } catch (cause) {
      // The commit is made, but whoever is told of it could be told wrong after the next start.
      this.#log.failure = cause;
      throw cause;
    }
  }

  /** A listener's failure is its own: the others hear, and the store goes on. */
  #tell(listener: (events: readonly GatewayEvent[]) => void, events: readonly GatewayEvent[]): void {
    try {
      listener(events);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      this.#warn({ code: error.code, message: error.message }, "somebody who listens to events failed");
    }
  }

  #changes(): number {
    return this.#control.changes.get()?.n ?? 0;
  }

  #forget(): void {
    this.#fresh = [];
    this.#counters = [];
  }

  async #runFirst(unit: Unit): Promise<() => void> {
    try {
      const value = await unit.run(this.#write);
      return () => unit.resolve(value);
    } catch (thrown) {
      const error = this.#translated(thrown);
      this.#forget();
      if (this.#writer.inTransaction) this.#control.rollback.run();
      this.#control.begin.run();
      return () => unit.reject(error);
    }
  }

  /** Runs one unit inside its savepoint; what it returns tells the caller, after the commit. */
  async #runUnit(unit: Unit): Promise<() => void> {
    const [events, counters] = [this.#fresh.length, this.#counters.length];
    this.#control.savepoint.run();
    try {
      const value = await unit.run(this.#write);
      this.#control.release.run();
      return () => unit.resolve(value);
    } catch (thrown) {
      // Some failures of the disk undo the whole transaction: the batch is over then.
      if (!this.#writer.inTransaction) throw thrown;
      const error = this.#translated(thrown);
      this.#control.rollbackTo.run();
      this.#control.release.run();
      this.#fresh.length = events;
      this.#counters.length = counters;
      return () => unit.reject(error);
    }
  }

  /** A failure of the disk as what it is; anything else as it was thrown. */
  #translated(thrown: unknown): unknown {
    const error = storageError(thrown, this.#folder);
    if (error !== undefined) this.#trouble = error;
    return error ?? thrown;
  }
}

function lostDisk(cause: unknown): GatewayError {
  return new GatewayError("store.unavailable", "the disk did not take the store's log; start otagate again", { cause });
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
    changes: database.prepare<[], { n: number }>("SELECT total_changes() AS n"),
    count: database.prepare<[], { commits: number }>("UPDATE ledger SET commits = commits + 1 RETURNING commits"),
  };
}
