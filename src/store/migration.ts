import type { Database } from "better-sqlite3";
import type { Seal } from "../gateway/model/store.ts";

/** One step of the schema; steps run once, in order, each in its own transaction. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** What SQL cannot say; may run again when the process dies behind it. Returns what it took out, by name and how often. */
  readonly run?: (database: Database, now: number, seal: () => Seal) => Readonly<Record<string, number>>;
  /** What the step takes out must not stay in free pages of the file. */
  readonly scrub?: boolean;
}
