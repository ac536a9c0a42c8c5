const rememberMs = 900_000;
const maxRemembered = 4_000;

/**
 * TPDUs received recently, to detect copies: networks repeat a message whose acknowledgement was lost, and modems
 * report some twice.
 */
export class SeenMessages {
  readonly #at = new Map<string, number>();

  has(key: string, now: number): boolean {
    const at = this.#at.get(key);
    return at !== undefined && now - at < rememberMs;
  }

  add(key: string, now: number): void {
    this.#at.delete(key);
    this.#at.set(key, now);
    for (const [old, at] of this.#at) {
      if (this.#at.size <= maxRemembered && now - at < rememberMs) break;
      this.#at.delete(old);
    }
  }
}
