import type { CompiledQuery, Kysely } from "kysely";
import { rowsOf } from "./connection.ts";
import type { Schema } from "./schema.ts";

/** Stands for an argument while a query is built. */
class Slot {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/**
 * A query that is built and compiled once, at its first use, and then only given its arguments: building costs more
 * than running for the short statements of a session's step. `build` must use each argument as a value and nothing else.
 */
export function prepared<A extends readonly unknown[], R>(
  db: Kysely<Schema>,
  build: (...args: A) => { compile(): CompiledQuery<R> },
): (...args: A) => Promise<readonly R[]> {
  let compiled: CompiledQuery<R> | undefined;
  return async (...args) => {
    // The builder only hands values through, so a placeholder may pass for one.
    compiled ??= build(...(args.map((_, index) => new Slot(index)) as unknown as A)).compile();
    const parameters = compiled.parameters.map((value) => (value instanceof Slot ? args[value.index] : value));
    return rowsOf<R>(db, { sql: compiled.sql, parameters });
  };
}

/** {@link prepared} for a statement whose arguments are the columns of a row; each row must have the same ones. */
export function preparedRow<T extends Readonly<Record<string, unknown>>, R>(
  db: Kysely<Schema>,
  build: (row: T) => { compile(): CompiledQuery<R> },
): (row: T) => Promise<readonly R[]> {
  let names: readonly string[] | undefined;
  const run = prepared(db, (...values: unknown[]) =>
    build(Object.fromEntries((names ?? []).map((name, index) => [name, values[index]])) as T),
  );
  return (row) => {
    names ??= Object.keys(row);
    return run(...names.map((name) => row[name]));
  };
}

/** One query for each of the few values of what a statement must spell out, such as a limit. */
export function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<string, V>();
  return (key) => {
    const name = String(key);
    const value = made.get(name) ?? make(key);
    made.set(name, value);
    return value;
  };
}
