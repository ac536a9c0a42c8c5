import { GatewayError } from "../../src/base/gateway-error.ts";
import { refuse } from "./apdu.ts";
import { type ProactiveCommand, proactiveBytes, readTerminalResponse, type TerminalResponse } from "./cat-tlv.ts";

interface Entry {
  readonly command: ProactiveCommand;
  readonly done: (response: TerminalResponse) => void;
  readonly lost: () => void;
  readonly fetched: () => void;
}

/**
 * The card's side of a proactive session: commands wait in line, one at a time is announced by 91xx, fetched, and
 * answered. A reset loses all of them. TS 102 223 §6.1
 */
export class Toolkit {
  #queue: Entry[] = [];
  #inHand: { entry: Entry; bytes: Uint8Array } | undefined;
  #profile: Uint8Array | undefined;
  #number = 0;

  /** The terminal's profile, once it was received. */
  get profile(): Uint8Array | undefined {
    return this.#profile;
  }

  /** Whether the terminal offers a facility: octet counted from 1, bit from 1. TS 102 223 §5.2 */
  offers(octet: number, bit: number): boolean {
    return ((this.#profile?.[octet - 1] ?? 0) & (1 << (bit - 1))) !== 0;
  }

  /** Whether nothing waits and nothing is in hand. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#inHand === undefined;
  }

  /** TERMINAL PROFILE: from now on the card may be proactive. */
  profileDownload(profile: Uint8Array): void {
    this.#profile = profile.slice();
  }

  /** Forgets everything volatile; waiters learn that their command is lost. */
  reset(): void {
    const lost = [...(this.#inHand ? [this.#inHand.entry] : []), ...this.#queue];
    this.#queue = [];
    this.#inHand = undefined;
    this.#profile = undefined;
    this.#number = 0;
    for (const entry of lost) entry.lost();
  }

  /** Puts a command in line. `done` runs inside the TERMINAL RESPONSE, `lost` when a reset comes first. */
  enqueue(
    command: ProactiveCommand,
    handlers: {
      readonly done?: (response: TerminalResponse) => void;
      readonly lost?: () => void;
      readonly fetched?: () => void;
    } = {},
  ): void {
    const ignore = () => {};
    this.#queue.push({
      command,
      done: handlers.done ?? ignore,
      lost: handlers.lost ?? ignore,
      fetched: handlers.fetched ?? ignore,
    });
  }

  /** Puts a command in line and waits for its TERMINAL RESPONSE. @throws card.reset when a reset comes first */
  run(command: ProactiveCommand): Promise<TerminalResponse> {
    return new Promise((resolve, reject) => {
      this.enqueue(command, {
        done: resolve,
        lost: () => reject(new GatewayError("card.reset", "The card was reset during a proactive command")),
      });
    });
  }

  /** Length to announce in 91xx (256 as 0), or undefined when there is nothing to fetch now. */
  announced(): number | undefined {
    if (this.#profile === undefined || this.#inHand !== undefined) return undefined;
    const next = this.#queue[0];
    return next ? proactiveBytes(next.command, this.#nextNumber()).length & 0xff : undefined;
  }

  /** FETCH: the announced command; the same again until it is answered. @throws card.status */
  fetch(le: number | undefined): Uint8Array {
    const next = this.#queue[0];
    if (this.#inHand === undefined && (next === undefined || this.#profile === undefined)) return refuse(0x6985);
    const bytes = this.#inHand?.bytes ?? (next ? proactiveBytes(next.command, this.#nextNumber()) : new Uint8Array(0));
    if (le !== bytes.length) return refuse(0x6c00 | (bytes.length & 0xff));
    if (this.#inHand === undefined && next) {
      this.#queue.shift();
      this.#number = this.#nextNumber();
      this.#inHand = { entry: next, bytes };
      next.fetched();
    }
    return bytes;
  }

  /** TERMINAL RESPONSE to the command in hand. @throws card.status 6985 when there is none, codec.* when malformed */
  terminalResponse(body: Uint8Array): void {
    const { entry } = this.#inHand ?? refuse(0x6985);
    const response = readTerminalResponse(body);
    if (response.number !== this.#number || response.type !== entry.command.type) refuse(0x6a80);
    this.#inHand = undefined;
    entry.done(response);
  }

  #nextNumber(): number {
    return (this.#number % 0xfe) + 1;
  }
}
