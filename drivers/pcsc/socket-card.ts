import { GatewayError } from "../../src/base/gateway-error.ts";
import { toHex } from "../../src/base/hex.ts";
import type { CardConnection } from "../../src/link/card-reader.ts";
import { atrProblem } from "./atr.ts";
import { type Bounds, bounded } from "./bounded.ts";
import type { PcscdSocket } from "./pcscd-socket.ts";
import {
  answerLength,
  cardProtocol,
  disposition,
  fieldsRequest,
  type PcscReaderState,
  pcscCommand,
  readField,
  resultOf,
  shareMode,
  TransmitRequest,
  transmitResult,
  transmitTail,
} from "./protocol.ts";
import { readersOf } from "./readers-state.ts";
import { pcscError, pcscResult } from "./result-code.ts";
import { Watchdog } from "./watchdog.ts";

/** Longest command and response, SW included, of T=0 and of T=1 with extended lengths. */
const shortCommand = 261;
const shortResponse = 258;
const extendedCommand = 65_544;
const extendedResponse = 65_538;
/** Time limit for releasing a card. */
const releaseTimeoutMs = 1_000;

/** What identifies a connected card. */
interface SocketCardDeps {
  /** The connection that belongs to this card alone. */
  readonly socket: PcscdSocket;
  readonly reader: string;
  readonly context: number;
  readonly card: number;
  /** Active protocol, one bit of the mask. */
  readonly protocol: number;
}

/** A card taken exclusively through pcscd's socket. */
export class SocketCard implements CardConnection {
  readonly level: "tpdu" | "apdu";
  readonly maxResponse: number;
  readonly #deps: SocketCardDeps;
  readonly #request: TransmitRequest;
  readonly #watchdog = new Watchdog((timeoutMs) => this.#deps.socket.close(this.#mute(timeoutMs)));
  #atr: Uint8Array = new Uint8Array(0);

  constructor(deps: SocketCardDeps) {
    this.#deps = deps;
    const t0 = deps.protocol !== cardProtocol.t1;
    this.level = t0 ? "tpdu" : "apdu";
    this.maxResponse = t0 ? shortResponse : extendedResponse;
    this.#request = new TransmitRequest(
      deps.card,
      deps.protocol,
      t0 ? shortCommand : extendedCommand,
      this.maxResponse,
    );
  }

  get atr(): Uint8Array {
    return this.#atr;
  }

  async transmit(command: Uint8Array, bounds: Bounds): Promise<Uint8Array> {
    const { socket, reader } = this.#deps;
    const exchange = socket.request(this.#request.fill(command), answerLength.transmit, transmitTail);
    let answer: Uint8Array;
    if (bounds.signal === undefined) {
      // At the time limit the watchdog closes the connection, which fails the exchange with the reason.
      this.#watchdog.arm(bounds.timeoutMs);
      try {
        answer = await exchange;
      } finally {
        this.#watchdog.rest();
      }
    } else answer = await this.#guarded(exchange, bounds);
    const rv = transmitResult(answer);
    if (rv === pcscResult.success && answer.length >= answerLength.transmit + 2) {
      return answer.subarray(answerLength.transmit);
    }
    throw await this.#whatHappened(rv, reader);
  }

  async reset(kind: "warm" | "cold", bounds: Bounds): Promise<Uint8Array> {
    const { socket, reader, card } = this.#deps;
    const how = kind === "warm" ? disposition.reset : disposition.unpower;
    const fields = [card, shareMode.exclusive, cardProtocol.t0 | cardProtocol.t1, how, 0, 0];
    const late = () =>
      new GatewayError("card.unresponsive", `${reader}: the card did not respond after its reset in time`, {
        detail: { reader, timeoutMs: bounds.timeoutMs },
      });
    const work = async () => {
      const answer = await socket.request(fieldsRequest(pcscCommand.reconnect, fields), answerLength.reconnect);
      const rv = resultOf(answer);
      if (rv !== pcscResult.success) throw pcscError(rv, "connect", reader);
      if (readField(answer, 16) !== this.#deps.protocol) {
        throw new GatewayError("card.protocol", `${reader}: the card changed its protocol in a reset`);
      }
      return this.readAtr();
    };
    return bounded(work(), bounds, late, (why) => this.#abandon(why));
  }

  /** Asks pcscd for the answer to reset. @throws card.unresponsive when it is invalid, card.absent when the card was removed */
  async readAtr(): Promise<Uint8Array> {
    const { reader } = this.#deps;
    const state = await this.#state();
    if (state?.present !== true) throw new GatewayError("card.absent", `${reader}: the card was removed`);
    const problem = atrProblem(state.atr);
    if (problem !== undefined) {
      throw new GatewayError("card.unresponsive", `${reader}: ${problem}`, {
        detail: { reader, atr: toHex(state.atr) },
      });
    }
    this.#atr = state.atr;
    return state.atr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { socket, card, context } = this.#deps;
    if (socket.closed) return;
    const work = async () => {
      await socket.request(
        fieldsRequest(pcscCommand.disconnect, [card, disposition.unpower, 0]),
        answerLength.disconnect,
      );
      await socket.request(fieldsRequest(pcscCommand.releaseContext, [context, 0]), answerLength.release);
    };
    const late = () => new GatewayError("link.timeout", "pcscd did not release the card in time");
    try {
      await bounded(work(), { timeoutMs: releaseTimeoutMs }, late, () => undefined);
    } catch {
      // Closing the connection makes pcscd release what is left.
    } finally {
      socket.close();
    }
  }

  #guarded(exchange: Promise<Uint8Array>, bounds: Bounds): Promise<Uint8Array> {
    return bounded(
      exchange,
      bounds,
      () => this.#mute(bounds.timeoutMs),
      (why) => this.#abandon(why),
    );
  }

  async #state(): Promise<PcscReaderState | undefined> {
    return (await readersOf(this.#deps.socket)).find(({ name }) => name === this.#deps.reader);
  }

  /**
   * The cause of a failed exchange. Drivers report a card that was pulled as success with no octets, and nearly
   * everything else as "not transacted": the reader's state is more precise.
   */
  async #whatHappened(rv: number, reader: string): Promise<GatewayError> {
    const vague = rv === pcscResult.success || rv === pcscResult.notTransacted;
    if (!vague) return pcscError(rv, "exchange", reader);
    const late = () => new GatewayError("link.timeout", "pcscd did not list its readers in time");
    const state = await bounded(this.#state(), { timeoutMs: releaseTimeoutMs }, late, () => undefined).then(
      (found) => (found === undefined ? ("gone" as const) : found),
      () => undefined,
    );
    if (state === "gone") return new GatewayError("link.lost", `${reader} was unplugged during an exchange`);
    if (rv === pcscResult.success || state?.present === false) {
      return new GatewayError("card.removed", `${reader}: the card was removed during an exchange`, {
        detail: { reader },
      });
    }
    return pcscError(rv, "exchange", reader);
  }

  #mute(timeoutMs: number): GatewayError {
    const { reader } = this.#deps;
    return new GatewayError("card.mute", `${reader}: the card did not answer within ${Math.round(timeoutMs)} ms`, {
      detail: { reader, timeoutMs },
    });
  }

  #abandon(why: unknown): void {
    this.#deps.socket.close(why instanceof GatewayError ? why : undefined);
  }
}
