import type { KeySet } from "../gateway/model/key-set.ts";
import { KeptRows } from "./kept-rows.ts";
import type { Statements } from "./statements.ts";

/** More than the sets of all targets that are kept. */
const maxSets = 8 * 1024;

/** Opened key sets by target and type, in the memory of the process that writes, and nowhere else. */
export class KeptKeySets {
  readonly #sets: KeptRows<readonly KeySet[]>;
  /** The place of a set in {@link #sets}, by its id. */
  readonly #places: KeptRows<string>;

  constructor(statements: Statements) {
    this.#sets = new KeptRows(statements);
    this.#places = new KeptRows(statements, maxSets);
  }

  find(target: string, type: KeySet["type"]): readonly KeySet[] | undefined {
    return this.#sets.get(placeOf(target, type))?.value;
  }

  opened(target: string, type: KeySet["type"], sets: readonly KeySet[]): void {
    const place = placeOf(target, type);
    this.#sets.set(place, sets);
    for (const { id } of sets) this.#places.set(id, place);
  }

  /** The counter of a set was changed to this value. */
  counted(id: string, cntr: number): void {
    const place = this.#places.get(id)?.value;
    const sets = place === undefined ? undefined : this.#sets.get(place)?.value;
    if (place === undefined) this.#sets.clear();
    else if (sets !== undefined)
      this.#sets.set(
        place,
        sets.map((set) => (set.id === id ? { ...set, cntr } : set)),
      );
  }

  /** Sets were stored or removed. */
  clear(): void {
    this.#sets.clear();
  }
}

const placeOf = (target: string, type: KeySet["type"]): string => `${type} ${target}`;
