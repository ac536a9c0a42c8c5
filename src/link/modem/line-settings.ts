import type { Port, UartSettings } from "../port.ts";
import type { ModemProfile, ProfileSet } from "./profile/profile.ts";

/** Speed of a module as delivered, where no profile states otherwise. */
const usualBaud = 115_200;

/**
 * The serial settings with which a modem's port is opened: those of its profile once it is identified, and until then
 * one speed after the other. Settings of the address or the configuration take precedence; the driver applies them.
 */
export class LineSettings {
  /** Speeds to try while the modem does not respond, the most likely first. */
  readonly #speeds: readonly number[];
  #tries = 0;
  #flow: UartSettings["flow"];
  #baud: number | undefined;

  /** @param configured name of the profile that the configuration gives */
  constructor(profiles: ProfileSet, configured: string | undefined) {
    const list = profiles.list();
    const uart = list.find(({ name }) => name === configured)?.file.uart;
    const all = list.flatMap(({ file }) => (file.uart?.baud === undefined ? [] : [file.uart.baud]));
    this.#speeds = [...new Set([uart?.baud ?? usualBaud, usualBaud, ...all.sort((a, b) => b - a)])];
    this.#flow = uart?.flow;
  }

  /** For the next port. */
  get next(): UartSettings {
    return { baud: this.#baud ?? this.#speeds[this.#tries % this.#speeds.length], flow: this.#flow };
  }

  /** No response at this speed: the next port is opened with another one, if it is a serial line. */
  unanswered({ uart }: Port): void {
    if (uart === undefined) return;
    this.#baud = undefined;
    this.#tries++;
  }

  /**
   * The modem was identified at the port's speed. True when its profile requires a flow control that was not configured.
   */
  identified({ uart }: Port, { file }: ModemProfile): boolean {
    if (uart === undefined) return false;
    this.#baud = uart.baud;
    const wanted = file.uart?.flow;
    if (wanted === undefined || wanted === this.#flow) return false;
    this.#flow = wanted;
    return wanted !== uart.flow;
  }
}
