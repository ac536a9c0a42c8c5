import type { SoftCard } from "../../simulators/soft-card.ts";
import { fromHex, toHex } from "../../src/base/hex.ts";

/** A card without eUICC functions: whatever is said to applications of the eUICC is refused, the rest goes to `card`. */
export class PlainUicc implements SoftCard {
  readonly #card: SoftCard;

  constructor(card: SoftCard) {
    this.#card = card;
  }

  get atr(): Uint8Array {
    return this.#card.atr;
  }

  powerOn(): Promise<void> | void {
    return this.#card.powerOn();
  }

  powerOff(): Promise<void> | void {
    return this.#card.powerOff();
  }

  reset(): Promise<void> | void {
    return this.#card.reset();
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const selectsEuicc = command[1] === 0xa4 && command[2] === 0x04 && toHex(command.subarray(5, 10)) === "A000000559";
    return selectsEuicc ? fromHex("6A82") : this.#card.transmit(command);
  }
}
