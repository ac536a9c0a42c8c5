import type { SoftCard } from "../../simulators/soft-card.ts";
import { fromHex, toHex } from "../../src/base/hex.ts";

/** A card that answers what a test tells it, and notes what happens to it. */
export class ScriptedCard implements SoftCard {
  atr: Uint8Array;
  /** Power and resets, in order: `on`, `off`, `reset`. */
  readonly life: string[] = [];
  readonly commands: string[] = [];
  /** Answers a command; hexadecimal both ways. `undefined` is a mute card. */
  answer: (command: string) => string | undefined = () => "9000";

  constructor(atr = "3B9F96803FC7828031E073FE211B63E208A8830F900089") {
    this.atr = fromHex(atr);
  }

  powerOn(): void {
    this.life.push("on");
  }

  powerOff(): void {
    this.life.push("off");
  }

  reset(): void {
    this.life.push("reset");
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const text = toHex(command);
    this.commands.push(text);
    const answer = this.answer(text);
    return answer === undefined ? new Promise(() => undefined) : fromHex(answer);
  }
}
