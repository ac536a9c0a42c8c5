import type { GatewayEvent, NewEvent } from "../model/event.ts";
import type { Store } from "../model/store.ts";

/** Events after a position that are no longer kept: all before `first`. */
export interface EventGap {
  readonly after: number;
  readonly first: number;
}

/** The durable event log, for all faces. */
export class EventLog {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The next events after a position, and whether events before them were removed. */
  async after(
    after: number,
    limit: number,
  ): Promise<{ readonly events: readonly GatewayEvent[]; readonly gap?: EventGap }> {
    return this.#store.read(async (r) => {
      const events = await r.events.after(after, limit);
      // The log has no holes: a number left out is one that was removed.
      const first = events[0]?.seq ?? (await r.events.first());
      return first > after + 1 ? { events, gap: { after, first } } : { events };
    });
  }

  /** Number of the last event that was ever appended; 0 before the first. */
  async last(): Promise<number> {
    return this.#store.read((r) => r.events.last());
  }

  /** Appends an event that belongs to no other change. */
  async append(event: NewEvent): Promise<void> {
    return this.#store.write((r) => r.events.append(event));
  }

  /** Called after a commit with the events it made durable, in order. Returns the function that ends it. */
  onCommit(listener: (events: readonly GatewayEvent[]) => void): () => void {
    return this.#store.onEvents(listener);
  }
}
