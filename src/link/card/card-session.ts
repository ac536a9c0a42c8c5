import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { CardConnection, CardReader } from "../card-reader.ts";
import type { Log } from "../driver.ts";
import { traceFrame } from "../trace.ts";
import { ApduChannel } from "./channel.ts";
import { readEid } from "./eid.ts";
import type { CardIdentity } from "./identity.ts";
import type { ChannelService } from "./terminal/channel-service.ts";
import { Terminal } from "./terminal/terminal.ts";
import type { TerminalHooks } from "./terminal/terminal-contract.ts";
import type { TerminalSettings } from "./terminal/terminal-settings.ts";

/** Facts about a card once it is active. */
interface CardFacts {
  readonly atr: Uint8Array;
  readonly identity: CardIdentity;
  readonly eid: Eid | undefined;
}

/** What a {@link CardSession} needs. */
interface CardSessionDeps {
  readonly link: string;
  readonly reader: CardReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings?: Partial<TerminalSettings>;
  readonly channels?: ChannelService;
  readonly hooks?: TerminalHooks;
  /** The card is active; again after each restart and each change of its identity. */
  readonly onReady: (facts: CardFacts) => void;
  /** The card is being activated again on request. */
  readonly onUnready: () => void;
}

/** Powering a card up, and all of activation: a slower card counts as mute. */
const connectMs = 10_000;
const activationMs = 90_000;

/** One connection to one card, from connecting to releasing it: channel, terminal, identity. Used once. */
export class CardSession {
  readonly #deps: CardSessionDeps;
  readonly #ending = new AbortController();
  #channel: ApduChannel | undefined;
  #terminal: Terminal | undefined;
  #eid: Eid | undefined;
  #job: Disposable | undefined;
  #activeUntil = 0;

  constructor(deps: CardSessionDeps) {
    this.#deps = deps;
  }

  /** @throws link.unavailable before the card is active */
  get channel(): ApduChannel {
    return present(this.#channel);
  }

  /** @throws link.unavailable before the card is active */
  get terminal(): Terminal {
    return present(this.#terminal);
  }

  /** State for display. */
  describe(): unknown {
    return this.#terminal?.describe();
  }

  /** Ends the session; exchanges under way fail with `why`. */
  end(why: unknown): void {
    this.#ending.abort(why);
  }

  /** Connects to the card, activates it and serves it. Resolves with the cause of its end; never rejects. */
  async run(): Promise<GatewayError> {
    const { reader, clock, link } = this.#deps;
    const { signal } = this.#ending;
    let connection: CardConnection | undefined;
    try {
      connection = await reader.connect({ timeoutMs: connectMs, signal });
      if (connection.servedElsewhere === true)
        throw new GatewayError("link.busy", `${reader.name}: another terminal serves this card`);
      traceFrame({ kind: "atr", dir: "in", link, bytes: connection.atr });
      this.#channel = new ApduChannel({
        connection,
        link,
        clock,
        onAnswer: (response, apdu) => this.#terminal?.answered(response, apdu),
        onFailure: (error) => this.end(error),
      });
      await this.#activate();
      await ended(signal);
    } catch (error) {
      this.end(error);
    }
    this.#letJobGo();
    await this.#terminal?.[Symbol.asyncDispose]();
    await connection?.[Symbol.asyncDispose]();
    return asGatewayError(signal.reason, link);
  }

  /** Resets the card and activates it again. @throws card.*, link.* */
  async restart(kind: "warm" | "cold"): Promise<void> {
    this.#deps.onUnready();
    try {
      this.#letJobGo();
      await this.#terminal?.[Symbol.asyncDispose]();
      await this.channel.reset(kind);
      await this.#activate();
    } catch (error) {
      this.end(error);
      throw error;
    }
  }

  /** Polls the card faster until then (wall clock, ms). */
  expectActivity(until: number): void {
    this.#activeUntil = until;
    const left = until - this.#deps.clock.now();
    if (left <= 0 || this.#terminal === undefined || this.#job !== undefined) return;
    this.#job = this.#terminal.openJob();
    const over = this.#deps.clock.sleep(left, this.#ending.signal).then(() => {
      this.#letJobGo();
      this.expectActivity(this.#activeUntil);
    });
    // The session may end earlier.
    detach(over, () => undefined);
  }

  async #activate(): Promise<void> {
    const { clock, settings, channels, hooks } = this.#deps;
    const channel = this.channel;
    const terminal = new Terminal({
      card: channel,
      clock,
      ...withoutUndefined({ settings, channels }),
      hooks: {
        ...hooks,
        onFailure: (error) => this.end(error),
        onIdentity: (now, before) => {
          hooks?.onIdentity?.(now, before);
          if (before !== undefined) this.#ready(now);
        },
      },
    });
    this.#terminal = terminal;
    const identity = await this.#inTime(terminal.activate());
    const timeoutMs = 10_000;
    this.#eid = await channel.exclusive((turn) => readEid(turn, { timeoutMs }));
    this.#ready(identity);
    this.expectActivity(this.#activeUntil);
  }

  #ready(identity: CardIdentity): void {
    const { log, link, onReady } = this.#deps;
    const { iccid, imsi, generation } = identity;
    log.info({ link, iccid, imsi, eid: this.#eid, generation }, "the card is ready");
    onReady({ atr: this.channel.atr, identity, eid: this.#eid });
  }

  /** Waits for activation, at most until its time limit and the end of the session. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { clock, link } = this.#deps;
    const waiting = new AbortController();
    const late = clock.sleep(activationMs, waiting.signal).then(() => {
      throw new GatewayError("card.unresponsive", `${link}: the activation of the card timed out`);
    });
    const over = ended(AbortSignal.any([this.#ending.signal, waiting.signal])).then(() => {
      throw this.#ending.signal.reason;
    });
    try {
      return await Promise.race([work, late, over]);
    } finally {
      for (const promise of [work, late, over]) promise.catch(() => undefined);
      waiting.abort();
    }
  }

  #letJobGo(): void {
    this.#job?.[Symbol.dispose]();
    this.#job = undefined;
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new GatewayError("link.unavailable", "the card is not active yet");
  return value;
}

function asGatewayError(error: unknown, link: string): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("card.protocol", `${link}: the card's terminal stopped`, { cause: error });
}
