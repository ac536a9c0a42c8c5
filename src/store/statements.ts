import type { Database, Statement as NativeStatement } from "better-sqlite3";
import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  type LimitNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  ValueNode,
} from "kysely";

/** SQLite returns at once, a remote database does not: repositories await both. */
export type Awaitable<T> = T | Promise<T>;

/** A statement that is compiled and prepared once, then run with arguments. */
interface Statement<A extends readonly unknown[], R> {
  all(...args: A): Awaitable<readonly R[]>;
  first(...args: A): Awaitable<R | undefined>;
  /** The row that the statement always returns. */
  one(...args: A): Awaitable<R>;
  /** Number of changed rows. For statements that return no rows. */
  run(...args: A): Awaitable<number>;
  /**
   * Number of the inserted row. For an insert of one row into a table with an integer key: with RETURNING, SQLite keeps a
   * journal for each statement.
   */
  insert(...args: A): Awaitable<number>;
}

/** A statement with named parameters, written by hand. */
interface TextStatement<R> {
  all(parameters: Readonly<Record<string, number | string>>): Awaitable<readonly R[]>;
}

/** Writes limits as literals: SQLite plans a statement again each time a limit is bound. */
class Compiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    const { limit } = node;
    if (!ValueNode.is(limit) || !Number.isSafeInteger(limit.value))
      throw new Error("a limit must be a constant integer");
    this.append(`limit ${limit.value}`);
  }
}

/** A builder that compiles statements; it has no connection and never executes any. */
function builder(): Kysely<never> {
  return new Kysely<never>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new Compiler(),
    },
  });
}

/** A placeholder for an argument while a statement is built; reads it from the input of each run. */
class Slot<I> {
  readonly read: (input: I) => unknown;

  constructor(read: (input: I) => unknown) {
    this.read = read;
  }
}

/** A prepared statement with its values. */
class Bound {
  readonly #native: NativeStatement;
  readonly #values: readonly unknown[];

  constructor(native: NativeStatement, values: readonly unknown[]) {
    this.#native = native;
    this.#values = values;
  }

  all(): unknown[] {
    return this.#native.all(this.#values);
  }

  get(): unknown {
    return this.#native.get(this.#values);
  }

  run(): number {
    return this.#native.run(this.#values).changes;
  }

  insert(): number {
    return Number(this.#native.run(this.#values).lastInsertRowid);
  }
}

/** Maximum number of cached statements whose text depends on a filter. */
const maxDynamic = 500;

/**
 * The statements of one database handle. Kysely's builder only compiles them; better-sqlite3 prepares each once and
 * runs it.
 */
export class Statements {
  readonly #builder = builder();
  readonly #database: Database;
  readonly #dynamic = new Map<string, NativeStatement>();
  /** Nothing else writes to the database. */
  readonly writing: boolean;
  /** Statements run so far that may have changed something. */
  writes = 0;
  /** Transactions undone so far, as a whole or in part. */
  undone = 0;

  constructor(database: Database, handle: "writes" | "reads" = "reads") {
    this.#database = database;
    this.writing = handle === "writes";
  }

  /** The builder for these tables. */
  tables<T>(): Kysely<T> {
    return this.#builder as unknown as Kysely<T>;
  }

  /**
   * A statement that is built and compiled at its first use and never again. `build` must use each argument as a value
   * and nothing else.
   */
  prepare<A extends readonly unknown[], R>(build: (...args: A) => Compilable<R>): Statement<A, R> {
    const bound = this.#bound((args: A) => {
      // The builder only passes values through, so a placeholder can take the place of one.
      const slots = args.map((_, index) => new Slot((given: A) => given[index])) as unknown as A;
      return build(...slots);
    });
    return {
      all: (...args) => bound(args).all() as R[],
      first: (...args) => bound(args).get() as R | undefined,
      one: (...args) => present(bound(args).get() as R | undefined),
      run: (...args) => bound(args).run(),
      insert: (...args) => bound(args).insert(),
    };
  }

  /** {@link prepare} for a statement whose arguments are the columns of a row; each row must have the same ones. */
  prepareRow<T extends Readonly<Record<string, unknown>>, R>(
    build: (row: T) => Compilable<R>,
  ): Statement<readonly [T], R> {
    const bound = this.#bound((row: T) => {
      const slots = Object.keys(row).map((name) => [name, new Slot((given: T) => given[name])] as const);
      return build(Object.fromEntries(slots) as unknown as T);
    });
    return {
      all: (row) => bound(row).all() as R[],
      first: (row) => bound(row).get() as R | undefined,
      one: (row) => present(bound(row).get() as R | undefined),
      run: (row) => bound(row).run(),
      insert: (row) => bound(row).insert(),
    };
  }

  /** Compiles and prepares a statement at its first use; takes its values from what it is given at each. */
  #bound<I>(describe: (input: I) => Compilable<unknown>): (input: I) => Bound {
    let made: { readonly native: NativeStatement; readonly order: readonly unknown[] } | undefined;
    const make = (input: I) => {
      const { sql, parameters } = describe(input).compile();
      made = { native: this.#database.prepare(sql), order: parameters };
      return made;
    };
    return (input) => {
      const { native, order } = made ?? make(input);
      if (!native.readonly) this.writes++;
      const values: unknown[] = [];
      for (const value of order) values.push(value instanceof Slot ? value.read(input) : value);
      return new Bound(native, values);
    };
  }

  /** Rows of a query whose text depends on a filter. */
  all<R>(query: Compilable<R>): Awaitable<readonly R[]> {
    const { native, parameters } = this.#compiled(query.compile());
    return native.all(parameters) as R[];
  }

  /** The first row of such a query. */
  first<R>(query: Compilable<R>): Awaitable<R | undefined> {
    const { native, parameters } = this.#compiled(query.compile());
    return native.get(parameters) as R | undefined;
  }

  /** The row that such a query always has. */
  async one<R>(query: Compilable<R>): Promise<R> {
    return present(await this.first(query));
  }

  /** Runs a change without returned rows; returns the number of changed rows. */
  run(query: Compilable<unknown>): Awaitable<number> {
    const { native, parameters } = this.#compiled(query.compile());
    return native.run(parameters).changes;
  }

  /** A statement written by hand, its parameters as `:name`. */
  text<R>(sql: string): TextStatement<R> {
    return {
      all: (named) => {
        const { native, parameters } = this.#compiled({ sql, parameters: [named] });
        return native.all(...parameters) as R[];
      },
    };
  }

  #compiled({ sql, parameters }: Pick<CompiledQuery, "sql" | "parameters">) {
    let native = this.#dynamic.get(sql);
    if (native === undefined) {
      native = this.#database.prepare(sql);
      if (this.#dynamic.size > maxDynamic) this.#dynamic.clear();
      this.#dynamic.set(sql, native);
    }
    if (!native.readonly) this.writes++;
    return { native, parameters };
  }
}

/** Caches one statement for each value that must be part of its text, such as a limit. */
export function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<string, V>();
  return (key) => {
    const name = String(key);
    const value = made.get(name) ?? make(key);
    made.set(name, value);
    return value;
  };
}

function present<R>(row: R | undefined): R {
  if (row === undefined) throw new Error("a statement returned no row");
  return row;
}
