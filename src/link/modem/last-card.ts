import { withoutUndefined } from "../../base/defined.ts";
import type { ModemState } from "./modem-state.ts";

type Card = Pick<ModemState, "iccid" | "imsi" | "eid">;

const justChangedMs = 20_000;

/** The card that was last in a modem, also while there is none, and the one before it. */
export class LastCard {
  #card: Card = {};
  #change: { readonly from: string; readonly at: number } | undefined;

  get card(): Card {
    return this.#card;
  }

  /** A card was read. `now` in monotonic milliseconds. */
  shown({ iccid, imsi, eid }: Card, now: number): void {
    if (iccid === undefined) return;
    const { iccid: from } = this.#card;
    if (from !== undefined && from !== iccid) this.#change = { from, at: now };
    this.#card = { iccid, ...withoutUndefined({ imsi, eid }) };
  }

  /**
   * The ICCID that a profile switch began with: one that is reported just after the card was read again began before
   * that.
   */
  switchedFrom(now: number): string | undefined {
    return this.#change !== undefined && now - this.#change.at < justChangedMs ? this.#change.from : this.#card.iccid;
  }

  /** The switch was followed to its end. */
  settled(): void {
    this.#change = undefined;
  }
}
