import type { AuditEntry, AuditFilter } from "../model/audit-entry.ts";
import type { Store } from "../model/store.ts";

/** The durable log of client requests. */
export class AuditLog {
  readonly #store: Store;
  /** Outcomes on their way to the disk: reads wait for them. */
  readonly #pending = new Set<Promise<void>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Stores a request; resolves with its position when it is durable. */
  async append(entry: Omit<AuditEntry, "seq">): Promise<number> {
    return this.#store.write((r) => r.audit.append(entry));
  }

  /**
   * Adds the outcome of a stored request. `committed` resolves when the end of the process can no longer undo it, so
   * that the answer need not wait for another flush of the disk; `durable` when it is on the disk.
   */
  finish(
    seq: number,
    status: number,
    error: string | undefined,
  ): { readonly committed: Promise<void>; readonly durable: Promise<void> } {
    let note = () => {};
    const noted = new Promise<void>((resolve) => {
      note = resolve;
    });
    const durable = this.#store.write(
      (r) => r.audit.finish(seq, status, error),
      () => note(),
    );
    const settled = durable.catch(() => {}).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return { committed: Promise.race([noted, durable]), durable };
  }

  /** Newest first, before the given seq. */
  async list(filter: AuditFilter, before: number | undefined, limit: number): Promise<AuditEntry[]> {
    await Promise.all(this.#pending);
    return this.#store.read((r) => r.audit.list(filter, before, limit));
  }
}
