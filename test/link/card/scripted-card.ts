import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { CardConnection } from "../../../src/link/card-reader.ts";

/**
 * A card that follows a script. It announces what it has to say in every good status word, wants exactly one TERMINAL
 * RESPONSE per command, and answers files with what it is given. APDU level: no GET RESPONSE.
 */
export class ScriptedCard implements CardConnection {
  readonly atr = fromHex("3B00");
  readonly level = "apdu";
  readonly maxResponse = 258;
  /** Commands the card got, hexadecimal. */
  readonly log: string[] = [];
  /** Bodies of the TERMINAL RESPONSEs it got. */
  readonly responses: string[] = [];
  /** ENVELOPEs it got. */
  readonly envelopes: string[] = [];
  /** Answers to the next ENVELOPEs (hexadecimal, with status word), `9000` when there is none. */
  readonly envelopeAnswers: string[] = [];
  /** Proactive commands it has still to issue. */
  readonly pending: string[] = [];
  /** What a TERMINAL RESPONSE to a command leads to, by its order. */
  readonly onResponse: ((body: string) => void)[] = [];
  /** Called for each ENVELOPE. */
  onEnvelope: ((body: string) => void) | undefined;
  /** Commands issued after TERMINAL PROFILE of each activation. */
  start: string[] = [];
  iccid = "988812010000000010F5";
  imsi = "080910101032547698";
  faults: string[] = [];
  resets = 0;
  profileAnswer = "9000";
  mute = false;
  #inHand = false;
  #selected = "";

  reset(kind: "warm" | "cold"): Promise<Uint8Array> {
    this.resets++;
    this.log.push(`reset ${kind}`);
    this.#inHand = false;
    this.#selected = "";
    this.pending.length = 0;
    return Promise.resolve(this.atr);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  transmit(command: Uint8Array): Promise<Uint8Array> {
    if (this.mute) return Promise.reject(new GatewayError("card.mute", "no answer"));
    const hex = toHex(command);
    this.log.push(hex);
    return Promise.resolve(fromHex(this.#react(hex, command)));
  }

  #status(): string {
    const next = this.pending[0];
    if (next === undefined || this.#inHand) return "9000";
    const length = fromHex(next).length;
    return `91${(length & 0xff).toString(16).padStart(2, "0")}`;
  }

  #react(hex: string, command: Uint8Array): string {
    const body = toHex(command.subarray(5, 5 + (command[4] ?? 0)));
    switch (command[1]) {
      case 0x10:
        this.pending.push(...this.start);
        return this.profileAnswer === "9000" ? this.#status() : this.profileAnswer;
      case 0x12:
        return this.#fetch(command);
      case 0x14:
        return this.#response(body);
      case 0xc2:
        return this.#envelope(body);
      case 0xf2:
        return this.#status();
      case 0xa4:
        this.#selected = body;
        return this.#status();
      case 0xb0: {
        const files: Record<string, string> = { "2FE2": this.iccid, "6F07": this.imsi };
        const content = files[this.#selected];
        return content === undefined ? "6986" : `${content}${this.#status()}`;
      }
      default:
        return hex.startsWith("80AA") ? "9000" : "6D00";
    }
  }

  #fetch(command: Uint8Array): string {
    const next = this.pending.shift();
    if (next === undefined || this.#inHand) {
      this.faults.push("FETCH without a command");
      return "6F00";
    }
    if ((fromHex(next).length & 0xff) !== command[4]) this.faults.push("FETCH with a wrong length");
    this.#inHand = true;
    return `${next}9000`;
  }

  #response(body: string): string {
    if (!this.#inHand) this.faults.push("TERMINAL RESPONSE without a command");
    this.#inHand = false;
    this.responses.push(body);
    this.onResponse.shift()?.(body);
    return this.#status();
  }

  #envelope(body: string): string {
    if (this.#inHand) this.faults.push("ENVELOPE while a command is in hand");
    this.envelopes.push(body);
    this.onEnvelope?.(body);
    const scripted = this.envelopeAnswers.shift();
    return scripted ?? this.#status();
  }
}
