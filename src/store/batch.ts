import type BetterSqlite3 from "better-sqlite3";
import type { GatewayEvent } from "../gateway/model/event.ts";
import type { Repositories, Seal } from "../gateway/model/store.ts";
import { repositories } from "./entities.ts";
import { eventWriter } from "./sqlite/events.ts";
import { Statements } from "./statements.ts";
import type { UnitNotes } from "./unit-notes.ts";

/** A unit of work that waits for its commit. */
export interface Unit {
  readonly run: (repositories: Repositories) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  /** It may wait for a unit that cannot. */
  readonly patient: boolean;
  /** Called after the commit; the flush that makes it durable follows. */
  readonly committed?: (() => void) | undefined;
}

/** Maximum number of units in one commit, which limits how long the first of them waits. */
export const batchLimit = 512;

/** The outcome of a unit, reported to its caller after the commit. */
interface Outcome {
  readonly unit: Unit;
  readonly failed: boolean;
  readonly settle: () => void;
}

/** The outcome of a transaction that is not committed yet. */
interface Batch {
  readonly settle: () => void;
  readonly events: readonly GatewayEvent[];
  readonly commits: number | undefined;
}

/**
 * Runs units of work in one transaction. A savepoint for each of them would copy every page that it changes, so there
 * is none: a unit that fails after it has changed something undoes the whole transaction, and the others run again.
 */
export class BatchRunner {
  readonly #writer: BetterSqlite3.Database;
  readonly #statements: Statements;
  readonly #repositories: Repositories;
  readonly #notes: UnitNotes;
  readonly #translated: (thrown: unknown) => unknown;
  readonly #control: ReturnType<typeof controlOf>;
  readonly #writeEvents: ReturnType<typeof eventWriter>;

  constructor(writer: BetterSqlite3.Database, seal: Seal, notes: UnitNotes, translated: (thrown: unknown) => unknown) {
    this.#writer = writer;
    this.#statements = new Statements(writer, "writes");
    this.#repositories = repositories(this.#statements, seal, notes);
    this.#notes = notes;
    this.#translated = translated;
    this.#control = controlOf(writer);
    this.#writeEvents = eventWriter(writer);
  }

  /**
   * Takes units from the queue, adds them to `taken` and runs them in a transaction that it leaves open. Returns the
   * function that notifies their callers after the commit, the events in it, and the number of the commit; that is
   * undefined when nothing was changed and `touched` does not ask for a commit.
   */
  async run(queue: Unit[], taken: Unit[], touched: () => boolean): Promise<Batch> {
    this.#control.begin.run();
    const before = this.#changes();
    let outcomes: Outcome[] = [];
    let careful = false;
    for (let unit = queue.shift(); unit !== undefined; unit = taken.length < batchLimit ? queue.shift() : undefined) {
      taken.push(unit);
      const [writes, mark] = [this.#statements.writes, this.#notes.mark()];
      const outcome = careful ? await this.#runInSavepoint(unit) : await this.#runUnit(unit);
      if (outcome.failed && !careful) {
        if (this.#statements.writes === writes) this.#notes.rewind(mark);
        else {
          careful = true;
          outcomes = await this.#runAgain(outcomes);
        }
      }
      outcomes.push(outcome);
    }
    const changed = this.#notes.events.length > 0 || this.#changes() !== before || touched();
    return {
      events: this.#writeEvents(this.#notes.events),
      settle: () => {
        for (const { settle } of outcomes) settle();
      },
      commits: changed ? this.#count() : undefined,
    };
  }

  commit(): void {
    this.#control.commit.run();
  }

  rollback(): void {
    this.#statements.undone++;
    if (this.#writer.inTransaction) this.#control.rollback.run();
    this.#notes.clear();
  }

  async #runUnit(unit: Unit): Promise<Outcome> {
    try {
      const value = await unit.run(this.#repositories);
      return { unit, failed: false, settle: () => unit.resolve(value) };
    } catch (thrown) {
      // Some failures of the disk undo the whole transaction and thus end the batch.
      if (!this.#writer.inTransaction) throw thrown;
      const error = this.#translated(thrown);
      return { unit, failed: true, settle: () => unit.reject(error) };
    }
  }

  /** Undoes everything, and runs those units again that had not failed. */
  async #runAgain(outcomes: readonly Outcome[]): Promise<Outcome[]> {
    this.rollback();
    this.#control.begin.run();
    const again: Outcome[] = [];
    for (const outcome of outcomes) again.push(outcome.failed ? outcome : await this.#runInSavepoint(outcome.unit));
    return again;
  }

  async #runInSavepoint(unit: Unit): Promise<Outcome> {
    const mark = this.#notes.mark();
    this.#control.savepoint.run();
    const outcome = await this.#runUnit(unit);
    if (outcome.failed) {
      this.#control.rollbackTo.run();
      this.#statements.undone++;
      this.#notes.rewind(mark);
    }
    this.#control.release.run();
    return outcome;
  }

  /** Writes the counts, once for each commit. */
  #count(): number | undefined {
    for (const [state, jobs] of this.#notes.endedByState()) this.#control.ended.run(state, jobs);
    return this.#control.count.get()?.commits;
  }

  #changes(): number {
    return this.#control.changes.get()?.n ?? 0;
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
    changes: database.prepare<[], { n: number }>("SELECT total_changes() AS n"),
    ended: database.prepare<[string, number]>(
      "INSERT INTO job_count VALUES (?, ?) ON CONFLICT (state) DO UPDATE SET jobs = jobs + excluded.jobs",
    ),
    count: database.prepare<[], { commits: number }>("UPDATE ledger SET commits = commits + 1 RETURNING commits"),
  };
}
