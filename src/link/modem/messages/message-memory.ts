import { type MemoryNames, type MemoryUse, memoryUse, selectMemory } from "../../../codec/at/sms-commands.ts";
import type { AtEngine } from "../at/at-engine.ts";
import { isRefusal, isUnanswered } from "../questions.ts";

/** How many names +CPMS is given, in the order to try: to read from; to receive into as well; to write to as well. */
const forms: readonly MemoryNames[] = [1, 3, 2];

/** Chooses the memory to read from, in the form of +CPMS that this modem takes. TS 27.005 §3.2.2 */
export class MessageMemory {
  readonly #engine: AtEngine;
  #form: MemoryNames | undefined;

  constructor(engine: AtEngine) {
    this.#engine = engine;
  }

  /** What is in it, undefined when the modem does not report it; `refused` when it has no such memory. @throws modem.*, link.lost */
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
