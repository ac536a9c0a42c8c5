import type { GatewayError } from "../../base/gateway-error.ts";
import type { Abbreviable } from "../model/identifiers.ts";
import type { Store } from "../model/store.ts";

/** The store as operators see it: its health, its size, and its identifiers. */
export class StoreState {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Why the last write failed; undefined once a write has succeeded. */
  get trouble(): GatewayError | undefined {
    return this.#store.trouble;
  }

  /** Verifies that the store accepts writes; costs at most one commit per second. @throws store.* */
  async check(): Promise<void> {
    await this.#store.check();
  }

  /** Size of the store's file, and how much of it is reusable, in octets. */
  async size(): Promise<{ readonly bytes: number; readonly freeBytes: number }> {
    return this.#store.read((r) => r.retention.size());
  }

  /** Identifiers of this kind that begin with `beginning`, in order, a few at most. */
  async identifiers(kind: Abbreviable, beginning: string): Promise<string[]> {
    return this.#store.read((r) => r.identifiers.startingWith(kind, beginning));
  }
}
