import { existsSync } from "node:fs";
import type BetterSqlite3 from "better-sqlite3";
import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import type { GatewayEvent } from "../gateway/model/event.ts";
import type { Repositories, Store } from "../gateway/model/store.ts";
import { BatchRunner, batchLimit, type Unit } from "./batch.ts";
import { DurableSnapshot } from "./durable-snapshot.ts";
import { repositories } from "./entities.ts";
import type { LogFile } from "./log-file.ts";
import type { MarkFile } from "./mark-file.ts";
import { type Opened, type OpenOptions, openDatabase, type SealSource } from "./open-database.ts";
import { Statements } from "./statements.ts";
import { storageError } from "./storage-error.ts";
import { filesOf } from "./store-files.ts";
import { UnitNotes } from "./unit-notes.ts";

/** Octets that the marks of one commit may take: a counter and its key set's id for each unit, twice. */
const markOctets = batchLimit * 120;
const checkEveryMs = 1000;

/**
 * The embedded store: SQLite in WAL mode, one writer and one reader handle. Units of work that arrive while a commit is
 * under way share the next one (group commit), so durability costs one disk flush per batch, not per unit. SQLite
 * itself only writes the log (`synchronous = NORMAL`); the flush that makes a commit durable is ours and leaves the
 * main thread free. No commit is reported before it is done: until then reads see what was before it. Commits are
 * counted, in the store and beside it, so that one that is lost later is missed; see {@link MarkFile}.
 */
export class SqliteStore implements Store {
  readonly #writer: BetterSqlite3.Database;
  readonly #reader: BetterSqlite3.Database;
  readonly #lock: BetterSqlite3.Database;
  readonly #log: LogFile;
  readonly #marks: MarkFile;
  readonly #folder: string;
  readonly #warn: NonNullable<OpenOptions["warn"]>;
  /** Acknowledged commits and that the store lacked when it was opened to be recovered, if that is known. */
  readonly missing: number | undefined;
  readonly #batches: BatchRunner;
  readonly #notes = new UnitNotes();
  readonly #snapshot: DurableSnapshot;
  readonly #read: Repositories;
  readonly #queue: Unit[] = [];
  readonly #listeners = new Set<(events: readonly GatewayEvent[]) => void>();
  /** Commits so far. */
  #commits: number;
  /** The batch has to reach the disk although no unit changes anything. */
  #touched = false;
  #trouble: GatewayError | undefined;
  #checking: { readonly at: number; readonly done: Promise<void> } | undefined;
  #draining: Promise<void> | undefined;
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
    this.#batches = new BatchRunner(this.#writer, opened.seal, this.#notes, (thrown) => this.#translated(thrown));
    this.#snapshot = new DurableSnapshot(this.#writer, this.#reader);
    this.#read = repositories(new Statements(this.#reader), opened.seal, new UnitNotes());
  }

  /**
   * Opens (and creates or migrates) the store in `folder`.
   * @throws store.unavailable, store.full, store.corrupt, store.rewound (it lacks acknowledged commits),
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

  write<T>(unit: (repositories: Repositories) => Promise<T>, committed?: () => void): Promise<T> {
    if (this.#closed) return Promise.reject(new GatewayError("store.unavailable", "the store is closed"));
    if (this.#log.failure !== undefined) return Promise.reject(lostDisk(this.#log.failure));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: unit, resolve: (value) => resolve(value as T), reject, committed });
      this.#draining ??= this.#drain();
    });
  }

  async read<T>(unit: (repositories: Repositories) => Promise<T>): Promise<T> {
    if (this.#closed) throw new GatewayError("store.unavailable", "the store is closed");
    try {
      return await unit(this.#read);
    } catch (thrown) {
      throw this.#translated(thrown);
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

  /** Runs what is queued in one transaction, makes it durable, and then notifies all waiting callers. */
  async #commitBatch(): Promise<void> {
    const taken: Unit[] = [];
    let settle = () => {};
    try {
      this.#marks.reserve(markOctets);
      const batch = await this.#batches.run(this.#queue, taken, () => this.#touched);
      this.#snapshot.hold();
      this.#batches.commit();
      for (const unit of taken) unit.committed?.();
      await this.#settle(batch.commits);
      this.#snapshot.release();
      settle = batch.settle;
    } catch (cause) {
      this.#undo(cause, taken);
      return;
    } finally {
      this.#touched = false;
    }
    const events = this.#notes.take();
    settle();
    if (events.length > 0) for (const listener of this.#listeners) this.#tell(listener, events);
    this.#snapshot.tidy();
  }

  /** A commit that failed: it must not be reported as done. Readers see what was before it, as the disk has it. */
  #undo(cause: unknown, taken: readonly Unit[]): void {
    this.#batches.rollback();
    const lost = this.#log.failure !== undefined;
    if (!lost) this.#snapshot.release();
    const error =
      (lost ? undefined : storageError(cause, this.#folder)) ??
      new GatewayError("store.unavailable", "the store could not commit", { cause });
    this.#trouble = error;
    for (const unit of taken.length > 0 ? taken : this.#queue.splice(0)) unit.reject(error);
    if (lost) this.#tellLost(lostDisk(this.#log.failure));
  }

  /**
   * Makes a commit durable: the counters that it handed out and itself side by side, for a packet must not leave before
   * both; then the mark that it was made, which outlives the process at once.
   */
  async #settle(commits: number | undefined): Promise<void> {
    // Without a change there is nothing that could be lost.
    if (commits === undefined) return;
    const { counters } = this.#notes;
    try {
      if (counters.length > 0) this.#marks.note(this.#commits, counters, undefined);
      const flushes = [this.#log.flush(), ...(counters.length > 0 ? [this.#marks.flush()] : [])];
      for (const outcome of await Promise.allSettled(flushes)) if (outcome.status === "rejected") throw outcome.reason;
      this.#commits = commits;
      this.#trouble = undefined;
      this.#marks.note(commits, [], this.#log.salts());
    } catch (cause) {
      // The commit is made, but reporting it could be wrong after the next start.
      this.#log.failure ??= cause;
      throw cause;
    }
  }

  /** A listener's failure does not affect the others, and the store continues. */
  #tell(listener: (events: readonly GatewayEvent[]) => void, events: readonly GatewayEvent[]): void {
    try {
      listener(events);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      this.#warn({ code: error.code, message: error.message }, "a listener for events failed");
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
  return new GatewayError(
    "store.unavailable",
    "the write-ahead log could not be flushed to disk; start otagate again",
    { cause },
  );
}
