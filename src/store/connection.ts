import type { Database, Statement } from "better-sqlite3";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type LimitNode,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  ValueNode,
} from "kysely";
import type { Schema } from "./schema.ts";

/** Writes limits as literals: SQLite plans a statement anew whenever a bound limit is bound again. */
class Compiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    const { limit } = node;
    if (!ValueNode.is(limit) || !Number.isSafeInteger(limit.value)) throw new Error("a limit must be spelt out");
    this.append(`limit ${limit.value}`);
  }
}

/** Runs compiled queries on one better-sqlite3 handle, with its statements prepared once. */
class SqliteConnection implements DatabaseConnection {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  constructor(database: Database) {
    this.#database = database;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.execute(query);
  }

  execute<R>(query: Pick<CompiledQuery, "sql" | "parameters">): QueryResult<R> {
    let statement = this.#statements.get(query.sql);
    if (statement === undefined) {
      statement = this.#database.prepare(query.sql);
      if (this.#statements.size > 500) this.#statements.clear();
      this.#statements.set(query.sql, statement);
    }
    if (statement.reader) return { rows: statement.all(query.parameters) as R[] };
    const { changes, lastInsertRowid } = statement.run(query.parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  // biome-ignore lint/correctness/useYield: the store never streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("the store does not stream queries");
  }
}

const connections = new WeakMap<Kysely<Schema>, SqliteConnection>();

/** The rows of a compiled query, without the way through Kysely's executor, which costs as much as a short statement. */
export async function rowsOf<R>(
  db: Kysely<Schema>,
  query: Pick<CompiledQuery<R>, "sql" | "parameters">,
): Promise<readonly R[]> {
  const connection = connections.get(db);
  if (connection === undefined) throw new Error("not a database of this store");
  return connection.execute<R>(query).rows;
}

/** A Kysely instance over one handle. Transactions are the store's business, not Kysely's. */
export function kyselyOver(database: Database): Kysely<Schema> {
  const connection = new SqliteConnection(database);
  const driver: Driver = {
    init: async () => {},
    acquireConnection: async () => connection,
    releaseConnection: async () => {},
    beginTransaction: async () => {},
    commitTransaction: async () => {},
    rollbackTransaction: async () => {},
    destroy: async () => {},
  };
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new Compiler(),
    },
  });
  connections.set(db, connection);
  return db;
}
