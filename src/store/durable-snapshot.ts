import type BetterSqlite3 from "better-sqlite3";

/** Pages in the log from which on they are copied into the main file. */
const checkpointPages = 4000;

/**
 * What readers see: the last commit that has reached the disk. While a later one is on its way there, the reading handle
 * keeps a transaction open on what was before it. A log that a reader looks into cannot be emptied, so SQLite does not
 * decide when to copy it into the main file; this does, between two commits.
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

  /** Readers continue seeing what is there now. */
  hold(): void {
    if (this.#held) return;
    this.#begin.run();
    this.#look.get();
    this.#held = true;
  }

  /** All that was committed is on the disk: readers see it. */
  release(): void {
    if (!this.#held) return;
    this.#end.run();
    this.#held = false;
  }

  /** Copies a log that has grown long into the main file. What fails of that is tried again after the next commit. */
  tidy(): void {
    if ((this.#logSize.get()?.log ?? 0) <= checkpointPages) return;
    try {
      this.#checkpoint.get();
    } catch {
      // The log has everything. A disk that is full or faulty shows itself to the next commit, which reports it.
    }
  }
}
