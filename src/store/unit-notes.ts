import type { NewEvent } from "../gateway/model/event.ts";
import type { Noted } from "./entities.ts";

/** The extent of a batch's notes before a unit. */
interface NotesMark {
  readonly events: number;
  readonly counters: number;
  readonly ended: number;
}

/**
 * Changes in one commit that other components must be notified of, in order; those of a unit that is undone are
 * removed.
 */
export class UnitNotes implements Noted {
  readonly #events: NewEvent[] = [];
  readonly #counters: (readonly [string, number])[] = [];
  readonly #ended: (readonly [string, number])[] = [];

  readonly event = (event: NewEvent): void => void this.#events.push(event);
  readonly counter = (keySet: string, value: number): void => void this.#counters.push([keySet, value]);
  readonly ended = (state: string, jobs: number): void => void this.#ended.push([state, jobs]);

  get counters(): readonly (readonly [string, number])[] {
    return this.#counters;
  }

  /** How many more jobs have ended, by state. */
  endedByState(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const [state, jobs] of this.#ended) sums.set(state, (sums.get(state) ?? 0) + jobs);
    return sums;
  }

  mark(): NotesMark {
    return { events: this.#events.length, counters: this.#counters.length, ended: this.#ended.length };
  }

  rewind({ events, counters, ended }: NotesMark): void {
    this.#events.length = events;
    this.#counters.length = counters;
    this.#ended.length = ended;
  }

  get events(): readonly NewEvent[] {
    return this.#events;
  }

  clear(): void {
    this.rewind({ events: 0, counters: 0, ended: 0 });
  }
}
