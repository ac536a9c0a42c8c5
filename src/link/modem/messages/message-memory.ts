import { type MemoryNames, type MemoryUse, memoryUse, selectMemory } from "../../../codec/at/sms-commands.ts";
import type { AtEngine } from "../at/at-engine.ts";
import { isRefusal, isUnanswered } from "../questions.ts";

/** Forms of +CPMS in the order to try: one memory to read from; also one to receive into; also one to write to. */
const forms: readonly MemoryNames[] = [1, 3, 2];

/** Selects the memory to read from, in the form of +CPMS that this modem accepts. TS 27.005 §3.2.2 */
export class MessageMemory {
  readonly #engine: AtEngine;
  #form: MemoryNames | undefined;

  constructor(engine: AtEngine) {
    this.#engine = engine;
  }

  /**
   * The number of messages in it, undefined if the modem does not report it; `refused` if it has no such memory.
   * @throws modem.*, link.lost
   */
  async select(memory: string): Promise<MemoryUse | "refused" | undefined> {
    for (const names of this.#form === undefined ? forms : [this.#form]) {
      try {
        const use = await this.#engine.run(selectMemory, { memory, names });
        this.#form = names;
        return use ?? (await this.#use());
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
    return "refused";
  }

  async #use(): Promise<MemoryUse | undefined> {
    try {
      return await this.#engine.run(memoryUse, undefined);
    } catch (error) {
      if (isUnanswered(this.#engine, error)) return undefined;
      throw error;
    }
  }
}
