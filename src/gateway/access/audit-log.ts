import type { AuditEntry, AuditFilter } from "../model/audit-entry.ts";
import type { Store } from "../model/store.ts";

/** The durable log of client requests. */
export class AuditLog {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Stores a request; resolves with its position when it is durable. */
  async append(entry: Omit<AuditEntry, "seq">): Promise<number> {
    return this.#store.write((r) => r.audit.append(entry));
  }

  /** Adds the outcome of a stored request. */
  async finish(seq: number, status: number, error: string | undefined): Promise<void> {
    await this.#store.write((r) => r.audit.finish(seq, status, error));
  }

  /** Newest first, before the given seq. */
  async list(filter: AuditFilter, before: number | undefined, limit: number): Promise<AuditEntry[]> {
    return this.#store.read((r) => r.audit.list(filter, before, limit));
  }
}
