import type { Database } from "better-sqlite3";
import type { Seal } from "../gateway/model/store.ts";

/** One step of the schema; steps run once, in order, each in its own transaction. */
export interface Migration {
  /** A number one above that of the step before, and a word. */
  readonly name: string;
  /** Under these it is recorded in stores that earlier versions migrated. */
  readonly formerNames?: readonly string[];
  readonly sql: string;
  /**
   * A change that SQL cannot express; may run again if the process is killed after it. Returns the names of removed
   * fields with their counts.
   */
  readonly run?: (database: Database, now: number, seal: () => Seal) => Readonly<Record<string, number>>;
  /** Data that the step removes must not stay in free pages of the file. */
  readonly scrub?: boolean;
}
