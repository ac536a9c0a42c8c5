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

/** Maximum size of the marks of one commit, in octets: twice a counter with its key set's id for each unit. */
const markOctets = batchLimit * 120;
const checkEveryMs = 1000;
/** How long a patient unit waits for the commit of another one. */
const patienceMs = 5;

/**
 * The embedded store: SQLite in WAL mode, one writer and one reader handle. Units of work that arrive while a commit is
 * under way share the next one (group commit), so durability costs one disk flush per batch, not per unit. SQLite
 * itself only writes the log (`synchronous = NORMAL`); the flush that makes a commit durable is ours and leaves the
 * main thread free. No commit is reported before it is durable: until then reads see the state before it. Commits are
 * counted in the store and outside it, so that a later loss is detected; see {@link MarkFile}.
 */
export class SqliteStore implements Store {
  readonly #writer: BetterSqlite3.Database;
  readonly #reader: BetterSqlite3.Database;
  readonly #lock: BetterSqlite3.Database;
  readonly #log: LogFile;
  readonly #marks: MarkFile;
  readonly #folder: string;
  readonly #warn: NonNullable<OpenOptions["warn"]>;
  /** Number of acknowledged commits that the store lacked when it was opened for recovery, if known. */
  readonly missing: number | undefined;
  readonly #batches: BatchRunner;
  readonly #notes = new UnitNotes();
  readonly #snapshot: DurableSnapshot;
  readonly #read: Repositories;
  readonly #queue: Unit[] = [];
  readonly #listeners = new Set<(events: readonly GatewayEvent[]) => void>();
  /** Commits so far. */
  #commits: number;
  /** The batch must be committed although no unit changes anything. */
  #touched = false;
  #trouble: GatewayError | undefined;
  #checking: { readonly at: number; readonly done: Promise<void> } | undefined;
  #draining: Promise<void> | undefined;
  #patience: NodeJS.Timeout | undefined;
  #closed = false;
  #resolveLost: (reason: GatewayError) => void = () => {};
  /**
   * Resolves when a commit could not be written to the disk: nothing is stored any longer until the store is opened
   * again.
   */
  readonly lost: Promise<GatewayError> = new Promise((resolve) => {
    this.#resolveLost = resolve;
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

  /** Why nothing can be stored: the failure of the last write; undefined if it succeeded. */
  get trouble(): GatewayError | undefined {
    return this.#log.failure === undefined ? this.#trouble : lostDisk(this.#log.failure);
  }

  /** Makes an empty commit, at most once a second however often it is called. @throws store.* */
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
    const done = this.#enqueue(unit, false, committed);
    if (!this.#closed && this.#queue.length > 0) this.#draining ??= this.#drain();
    return done;
  }

  writeWithNext<T>(unit: (repositories: Repositories) => Promise<T>): Promise<T> {
    const done = this.#enqueue(unit, true, undefined);
    if (this.#draining === undefined) this.#waitForOthers();
    return done;
  }

  #enqueue<T>(
    unit: (repositories: Repositories) => Promise<T>,
    patient: boolean,
    committed: (() => void) | undefined,
  ): Promise<T> {
    if (this.#closed) return Promise.reject(new GatewayError("store.unavailable", "the store is closed"));
    if (this.#log.failure !== undefined) return Promise.reject(lostDisk(this.#log.failure));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: unit, resolve: (value) => resolve(value as T), reject, committed, patient });
    });
  }

  /** Only patient units wait: they get a commit of their own unless another one comes soon. */
  #waitForOthers(): void {
    if (this.#queue.length === 0 || this.#closed) return;
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      if (this.#queue.length > 0) this.#draining ??= this.#drain();
    }, patienceMs);
  }

  async read<T>(unit: (repositories: Repositories) => Promise<T>): Promise<T> {
    if (this.#closed) throw new GatewayError("store.unavailable", "the store is closed");
    try {
      return await unit(this.#read);
    } catch (thrown) {
      throw this.#translated(thrown);
    }
  }

  /** Returns free space of the file to the disk. Blocks all other work in the meantime. */
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
    clearTimeout(this.#patience);
    await this.#draining;
    if (this.#queue.length > 0) await this.#drain();
    this.#reader.close();
    this.#writer.close();
    try {
      // SQLite has emptied the log, unless that failed.
      this.#marks.close(this.#log.failure === undefined && !existsSync(filesOf(this.#folder).log));
    } finally {
      this.#lock.close();
      await this.#log.close();
    }
  }

  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    do {
      await this.#commitBatch();
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.#queue.some(({ patient }) => !patient));
    this.#draining = undefined;
    this.#waitForOthers();
  }

  /** Runs what is queued in one transaction, makes it durable, and then notifies all waiting callers. */
  async #commitBatch(): Promise<void> {
    const taken: Unit[] = [];
    let batch: Awaited<ReturnType<BatchRunner["run"]>>;
    try {
      this.#marks.reserve(markOctets);
      batch = await this.#batches.run(this.#queue, taken, () => this.#touched);
      this.#snapshot.hold();
      this.#batches.commit();
      for (const unit of taken) unit.committed?.();
      await this.#settle(batch.commits);
      this.#snapshot.release();
    } catch (cause) {
      this.#undo(cause, taken);
      return;
    } finally {
      this.#touched = false;
    }
    const { events, settle } = batch;
    this.#notes.clear();
    settle();
    if (events.length > 0) for (const listener of this.#listeners) this.#notify(listener, events);
    this.#snapshot.tidy();
  }

  /** Handles a failed commit: it must not be reported as done. Readers see the state before it, as on the disk. */
  #undo(cause: unknown, taken: readonly Unit[]): void {
    this.#batches.rollback();
    const lost = this.#log.failure !== undefined;
    if (!lost) this.#snapshot.release();
    const error =
      (lost ? undefined : storageError(cause, this.#folder)) ??
      new GatewayError("store.unavailable", "the store could not commit", { cause });
    this.#trouble = error;
    for (const unit of taken.length > 0 ? taken : this.#queue.splice(0)) unit.reject(error);
    if (lost) this.#resolveLost(lostDisk(this.#log.failure));
  }

  /**
   * Makes a commit durable: flushes the log and its reserved counters in parallel, since a packet must not be sent
   * before both; then writes the mark of the commit, which survives the process at once.
   */
  async #settle(commits: number | undefined): Promise<void> {
    // Without a change nothing can be lost.
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
      // The commit was made, but without a mark its loss would not be detected at the next start.
      this.#log.failure ??= cause;
      throw cause;
    }
  }

  /** A listener's failure does not affect the others, and the store continues. */
  #notify(listener: (events: readonly GatewayEvent[]) => void, events: readonly GatewayEvent[]): void {
    try {
      listener(events);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      this.#warn({ code: error.code, message: error.message }, "a listener for events failed");
    }
  }

  /** A failure of the disk as a storage error; any other error unchanged. */
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
