import type { Statements } from "./statements.ts";

/** Records that are kept at most, unless stated otherwise. */
const maxKept = 1024;

/**
 * Records as the one handle that writes has last read or written them, so that they are not read again. Transactions
 * that are undone empty it. A handle that does not write keeps nothing.
 */
export class KeptRows<V> {
  readonly #statements: Statements;
  readonly #limit: number;
  readonly #rows = new Map<string, { readonly value: V }>();
  #undone = 0;

  constructor(statements: Statements, limit = maxKept) {
    this.#statements = statements;
    this.#limit = limit;
  }

  get(key: string): { readonly value: V } | undefined {
    if (this.#undone !== this.#statements.undone) this.clear();
    return this.#rows.get(key);
  }

  set(key: string, value: V): void {
    if (!this.#statements.writing) return;
    if (this.#undone !== this.#statements.undone) this.clear();
    if (this.#rows.size >= this.#limit && !this.#rows.has(key)) this.#rows.delete(this.#rows.keys().next().value ?? "");
    this.#rows.set(key, { value });
  }

  delete(key: string): void {
    this.#rows.delete(key);
  }

  clear(): void {
    this.#rows.clear();
    this.#undone = this.#statements.undone;
  }
}
