import type { Clock } from "../../base/clock.ts";
import { codecError, GatewayError } from "../../base/gateway-error.ts";
import { onChannel, parseClassByte } from "../../codec/apdu/class-byte.ts";
import { CommandSecrets } from "../../codec/secrets/secret-data.ts";
import type { CardConnection } from "../card-reader.ts";
import { SegmentMemory } from "../secrets/segment-memory.ts";
import { type Showing, showing } from "../secrets/shown-frames.ts";
import { traceFrame, tracing } from "../trace.ts";
import { type CardResponse, exchangeApdu } from "./exchange.ts";
import { SerialQueue } from "./serial-queue.ts";

/** Time limit of one APDU from its turn on, including its GET RESPONSEs, and the signal that aborts it. */
export interface TransmitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Accepts whole APDUs (with Le if response data is expected) and returns whole answers, however the card delivers them.
 */
export interface CardChannel {
  /**
   * @throws codec.* for a malformed APDU (nothing was sent); card.mute, card.removed, card.reset, card.protocol,
   * link.lost, link.service as thrown by the connection. An error status word is an answer, not an error.
   */
  transmit(apdu: Uint8Array, options?: TransmitOptions): Promise<CardResponse>;
}

const defaultTimeoutMs = 30_000;

/** Exclusive use of a card: no other caller's command comes between two of its commands. */
export interface CardTurn extends CardChannel {
  /**
   * Opens a logical channel: the next free one, or `number`. Dispose closes it.
   * @throws card.channel when the card has none left or none at all. TS 102 221 §11.1.17
   */
  openChannel(number?: number, options?: TransmitOptions): Promise<LogicalChannel>;
}

/** A logical channel. Commands are given as for the basic channel; their class byte is adapted. */
interface LogicalChannel extends CardChannel, AsyncDisposable {
  /** 1 to 19. */
  readonly number: number;
  /** Closes it on the card; once closed, or after a reset of the card, does nothing. Never throws. */
  close(): Promise<void>;
}

/** What {@link ApduChannel} needs. */
export interface ApduChannelDeps {
  readonly connection: CardConnection;
  /** Link id for traces: the reader's name. */
  readonly link: string;
  readonly clock: Clock;
  /** For an APDU without a time limit of its own; 30 s unless given. */
  readonly timeoutMs?: number;
  /**
   * Called with each answer before its command resolves, so that tasks that it enqueues run before the caller's next
   * command. The only place that receives every 91XX.
   */
  readonly onAnswer?: (response: CardResponse, apdu: Uint8Array) => void;
  /**
   * Called once, when the connection has become unusable (card removed, mute, reset by another program, reader lost).
   */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * The one APDU channel of a connected card: commands of all callers run one after the other, each with its
 * GET RESPONSEs in one piece. Publishes every exchange as a frame.
 */
export class ApduChannel implements CardTurn {
  readonly #deps: ApduChannelDeps;
  readonly #queue = new SerialQueue();
  readonly #segments = new SegmentMemory();
  readonly #secrets = new CommandSecrets();
  #generation = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: ApduChannelDeps) {
    this.#deps = deps;
  }

  /** The card's answer to reset. */
  get atr(): Uint8Array {
    return this.#deps.connection.atr;
  }

  /** Whether the connection has become unusable; it stays so. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether a command is being executed or waits for its turn. */
  get busy(): boolean {
    return this.#queue.busy;
  }

  transmit(apdu: Uint8Array, options?: TransmitOptions): Promise<CardResponse> {
    return this.#enqueue(() => this.#transmitNow(apdu, options), options?.signal);
  }

  openChannel(number?: number, options?: TransmitOptions): Promise<LogicalChannel> {
    return this.#enqueue(() => this.#openNow(this, number, options), options?.signal);
  }

  /**
   * Runs `work` with exclusive use of the card. Inside, use only the given turn: a command of this channel would deadlock.
   * Logical channels that `work` left open are closed at its end.
   */
  exclusive<T>(work: (turn: CardTurn) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#enqueue(() => this.#runTurn(work), signal);
  }

  /** Resets the card when its turn comes, which closes all logical channels. Returns the new answer to reset. */
  reset(kind: "warm" | "cold", options: TransmitOptions = {}): Promise<Uint8Array> {
    return this.#enqueue(async () => {
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#generation++;
      const { connection, link, timeoutMs = defaultTimeoutMs } = this.#deps;
      const bounds = { timeoutMs: options.timeoutMs ?? timeoutMs };
      try {
        const { signal } = options;
        const atr = await connection.reset(kind, signal === undefined ? bounds : { ...bounds, signal });
        traceFrame({ kind: "atr", dir: "in", link, bytes: atr, facts: { reset: kind } });
        return atr;
      } catch (error) {
        throw this.#failed(error);
      }
    }, options.signal);
  }

  #enqueue<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) return this.#queue.run(work);
    if (signal.aborted) return Promise.reject(signal.reason);
    let started = false;
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => {
        if (!started) reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const turn = this.#queue.run(async () => {
        signal.removeEventListener("abort", onAbort);
        signal.throwIfAborted();
        started = true;
        return work();
      });
      turn.then(resolve, reject);
    });
  }

  async #runTurn<T>(work: (turn: CardTurn) => Promise<T>): Promise<T> {
    const opened: LogicalChannel[] = [];
    let over = false;
    const transmit: CardTurn["transmit"] = async (apdu, options) => {
      if (over) throw new GatewayError("card.channel", "the exclusive turn with the card has ended");
      return this.#transmitNow(apdu, options);
    };
    const openChannel: CardTurn["openChannel"] = async (number, options) => {
      const channel = await this.#openNow({ transmit }, number, options);
      opened.push(channel);
      return channel;
    };
    try {
      return await work({ transmit, openChannel });
    } finally {
      for (const channel of opened) await channel.close();
      over = true;
    }
  }

  async #transmitNow(apdu: Uint8Array, options: TransmitOptions = {}): Promise<CardResponse> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { connection, clock, onAnswer } = this.#deps;
    const timeoutMs = options.timeoutMs ?? this.#deps.timeoutMs ?? defaultTimeoutMs;
    const deadline = clock.monotonic() + timeoutMs;
    const show = showing(apdu, this.#segments.show, this.#secrets);
    const response = await exchangeApdu(
      (command) => this.#exchange(command, show, Math.max(1, deadline - clock.monotonic()), options.signal),
      connection.level,
      apdu,
    );
    onAnswer?.(response, apdu);
    return response;
  }

  async #exchange(
    command: Uint8Array,
    show: Showing,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { connection, link } = this.#deps;
    const bounds = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    if (tracing()) traceFrame({ kind: "apdu", dir: "out", link, ...show.command(command) });
    let answer: Uint8Array;
    try {
      answer = await connection.transmit(command, bounds);
    } catch (error) {
      throw this.#failed(error);
    }
    if (tracing()) traceFrame({ kind: "apdu", dir: "in", link, ...show.answer(answer) });
    return answer;
  }

  /** A failure is permanent: the state of the card is unknown after it. */
  #failed(error: unknown): unknown {
    this.#failure = { error };
    this.#deps.onFailure?.(error);
    return error;
  }

  async #openNow(
    through: CardChannel,
    number: number | undefined,
    options: TransmitOptions | undefined,
  ): Promise<LogicalChannel> {
    const open = number === undefined ? [0x00, 0x70, 0x00, 0x00, 0x01] : [0x00, 0x70, 0x00, number];
    const { data, sw } = await this.#transmitNow(Uint8Array.from(open), options);
    const given = number ?? data[0];
    if ((sw !== 0x9000 && sw >> 8 !== 0x91) || given === undefined || given < 1 || given > 19) {
      throw new GatewayError("card.channel", "the card refused to open a logical channel", { detail: { sw } });
    }
    return this.#logicalChannel(through, given);
  }

  #logicalChannel(through: CardChannel, number: number): LogicalChannel {
    const born = this.#generation;
    let open = true;
    const close = async () => {
      if (!open || born !== this.#generation) return;
      open = false;
      // A failure is ignored: a channel that does not close cannot be helped, and on a removed card it is closed
      // already.
      await through.transmit(Uint8Array.of(0x00, 0x70, 0x80, number)).catch(() => undefined);
    };
    return {
      number,
      close,
      [Symbol.asyncDispose]: close,
      transmit: async (apdu, options) => {
        if (born !== this.#generation) {
          throw new GatewayError("card.reset", `logical channel ${number} was closed by a reset of the card`);
        }
        if (!open) throw new GatewayError("card.channel", `logical channel ${number} is closed`);
        const adapted = Uint8Array.from(apdu);
        adapted[0] = classFor(apdu[0] ?? 0, number);
        return through.transmit(adapted, options);
      },
    };
  }
}

/** The class of a command that goes over a logical channel; one that already addresses another channel is an error. */
function classFor(cla: number, number: number): number {
  const { channel, kind } = parseClassByte(cla);
  if (kind === "invalid" || (channel !== 0 && channel !== number)) {
    const shown = cla.toString(16).toUpperCase().padStart(2, "0");
    throw codecError("codec.value", `class ${shown} does not address logical channel ${number}`, 0, { field: "CLA" });
  }
  return onChannel(cla, number);
}
