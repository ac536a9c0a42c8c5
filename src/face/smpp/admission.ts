import { type Rate, startRate, takeToken } from "../../link/smpp/rate.ts";
import type { SmscClient } from "./port.ts";

/** Counts for each client: binds, submits in progress, submits in this second. */
export class Admission {
  readonly #binds = new Map<string, number>();
  readonly #submits = new Map<string, number>();
  readonly #rates = new Map<string, Rate>();

  /** Reserves a place for a bind; false if all are taken. */
  claim(client: SmscClient): boolean {
    const held = this.#binds.get(client.systemId) ?? 0;
    if (held >= client.maxBinds) return false;
    this.#binds.set(client.systemId, held + 1);
    return true;
  }

  /** Releases the place of a bind. */
  release(client: SmscClient): void {
    const held = (this.#binds.get(client.systemId) ?? 1) - 1;
    if (held > 0) this.#binds.set(client.systemId, held);
    else this.#binds.delete(client.systemId);
  }

  /** Counts a submit until the returned function is called; undefined when the client is over its window or rate. */
  admit(client: SmscClient, now: number): (() => void) | undefined {
    const { systemId } = client;
    const open = this.#submits.get(systemId) ?? 0;
    if (open >= client.window) return undefined;
    if (client.rate !== undefined) {
      const { rate, waitMs } = takeToken(this.#rates.get(systemId) ?? startRate(client.rate, now), now);
      this.#rates.set(systemId, rate);
      if (waitMs > 0) return undefined;
    }
    this.#submits.set(systemId, open + 1);
    return () => {
      const left = (this.#submits.get(systemId) ?? 1) - 1;
      if (left > 0) this.#submits.set(systemId, left);
      else this.#submits.delete(systemId);
    };
  }
}
