import type { Clock } from "../../base/clock.ts";
import type { LastCard } from "./last-card.ts";
import { emptyState, type ModemPhase, type ModemState } from "./modem-state.ts";

/** The state of one modem and its listeners. */
export class StateHolder {
  readonly #clock: Clock;
  readonly #last: LastCard;
  readonly #listeners = new Set<(state: ModemState) => void>();
  #state: ModemState = emptyState;

  constructor(clock: Clock, last: LastCard) {
    this.#clock = clock;
    this.#last = last;
  }

  get state(): ModemState {
    return this.#state;
  }

  /** Called with each change; the returned function ends it. */
  onChange(listener: (state: ModemState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  update(part: Partial<ModemState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener(this.#state);
  }

  phase(phase: ModemPhase): void {
    this.update({ phase });
  }

  /** Replaces all facts about the card by these. */
  showCard(facts: Pick<ModemState, "pin" | "iccid" | "imsi" | "eid">, more: Partial<ModemState> = {}): void {
    const { pin: _pin, eid: _eid, iccid: _iccid, imsi: _imsi, ...rest } = this.#state;
    this.#state = rest;
    this.#last.shown(facts, this.#clock.monotonic());
    this.update({ ...facts, ...more });
  }
}
