import type BetterSqlite3 from "better-sqlite3";

/** Number of pages in the log above which they are copied into the main file. */
const checkpointPages = 4000;

/**
 * The state that readers see: the last durable commit. While a later commit is being written to the disk, the reading
 * handle keeps a transaction open on the state before it. SQLite cannot empty a log that has a reader, so this class
 * copies the log into the main file itself, between two commits.
 */
export class DurableSnapshot {
  readonly #begin: BetterSqlite3.Statement;
  readonly #look: BetterSqlite3.Statement;
  readonly #end: BetterSqlite3.Statement;
  readonly #logSize: BetterSqlite3.Statement<[], { readonly log: number }>;
  readonly #checkpoint: BetterSqlite3.Statement;
  #held = false;

  constructor(writer: BetterSqlite3.Database, reader: BetterSqlite3.Database) {
    writer.pragma("wal_autocheckpoint = 0");
    this.#begin = reader.prepare("BEGIN");
    this.#look = reader.prepare("SELECT commits FROM ledger");
    this.#end = reader.prepare("COMMIT");
    this.#logSize = writer.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#checkpoint = writer.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** Readers continue to see the present state. */
  hold(): void {
    if (this.#held) return;
    this.#begin.run();
    this.#look.get();
    this.#held = true;
  }

  /** All commits are on the disk: readers see them. */
  release(): void {
    if (!this.#held) return;
    this.#end.run();
    this.#held = false;
  }

  /** Copies a long log into the main file. If that fails, it is tried again after the next commit. */
  tidy(): void {
    if ((this.#logSize.get()?.log ?? 0) <= checkpointPages) return;
    try {
      this.#checkpoint.get();
    } catch {
      // The log contains everything. The next commit reports a full or faulty disk.
    }
  }
}
