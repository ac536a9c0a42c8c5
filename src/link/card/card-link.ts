import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { backoffMs } from "../../base/retry.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { Iccid } from "../../codec/euicc/iccid.ts";
import { showTpdu } from "../../codec/secrets/message-secrets.ts";
import type { CardReader } from "../card-reader.ts";
import type { Log } from "../driver.ts";
import { SegmentMemory } from "../secrets/segment-memory.ts";
import type { InboundItem, OutboundSms, SmsBearer, SubmitOutcome } from "../sms-bearer.ts";
import { traceFrame, tracing } from "../trace.ts";
import { type CardLinkState, carries } from "./card-link-state.ts";
import { CardSession } from "./card-session.ts";
import { deliverTpdu, inboundItem, serviceCentreOf } from "./card-sms.ts";
import type { CardTurn } from "./channel.ts";
import type { ChannelService } from "./terminal/channel-service.ts";
import type { CardSms } from "./terminal/terminal-commands.ts";
import type { TerminalHooks } from "./terminal/terminal-contract.ts";
import type { TerminalSettings } from "./terminal/terminal-settings.ts";

/** What a {@link CardLink} needs. */
export interface CardLinkDeps {
  /** Link id for display, routing and traces: the reader's address. */
  readonly id: string;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly settings?: Partial<TerminalSettings>;
  /** Bearer independent protocol for the card. */
  readonly channels?: ChannelService;
  /** Hooks of the terminal that others use too. */
  readonly hooks?: Pick<TerminalHooks, "onText" | "onCommand" | "onRefresh" | "mayRefresh">;
  /** Originator that short messages show to the card unless they name one. */
  readonly originator?: string;
  /** Service centre shown to the card unless the message names one. */
  readonly serviceCentre?: string;
  /** Called after each change of state or identity. */
  readonly onChange?: () => void;
}

interface CardFacts {
  readonly atr: string;
  readonly eid?: Eid;
  readonly iccid?: Iccid;
  readonly imsi?: string;
}

function factsOf({ atr, eid, identity }: Extract<CardLinkState, { readonly at: "ready" }>): CardFacts {
  return { atr: toHex(atr), ...withoutUndefined({ eid }), ...identity };
}

/** A link that lasted this long was stable: its end starts a new series of retries. */
const soundMs = 30_000;
const backoff = { firstMs: 250, maxMs: 30_000 };

/**
 * The supervision of the card in one reader: the card is connected exclusively as soon as it is present, activated and
 * kept connected; after removal, a reset by another program, a mute card or a restart of the service it is activated
 * again, with growing delays. Carries short messages by SMS-PP download.
 */
export class CardLink implements SmsBearer {
  readonly id: string;
  readonly kind = "envelope";
  readonly #deps: CardLinkDeps;
  readonly #running: Promise<void>;
  readonly #segments = new SegmentMemory();
  #now: CardLinkState = { at: "no-reader", reason: "the reader has not been detected yet" };
  /** Made once for each state: routing reads it for each job and link. */
  #card: CardFacts | undefined;
  #reader: CardReader | undefined;
  #noReader = "the reader has not been detected yet";
  #present = false;
  #closed = false;
  #session: CardSession | undefined;
  #wake: () => void = () => undefined;
  #handler: ((item: InboundItem) => Promise<void>) | undefined;
  #activeUntil = 0;

  constructor(deps: CardLinkDeps) {
    this.id = deps.id;
    this.#deps = deps;
    this.#running = this.#run();
  }

  get state(): { readonly up: boolean; readonly reason?: string } {
    return carries(this.#now);
  }

  /** Facts about the card; undefined while none is ready. */
  get card(): CardFacts | undefined {
    return this.#card;
  }

  /** The state, for programs; {@link describe} is for display. */
  get phase(): CardLinkState {
    return this.#now;
  }

  /** State as text and numbers for display. */
  describe(): Readonly<Record<string, unknown>> {
    const now = this.#now;
    const trouble =
      now.at === "waiting" ? { error: now.error.toJSON(), attempt: now.attempt, retryInMs: now.delayMs } : {};
    return { phase: now.at, ...carries(now), ...trouble, ...this.card, terminal: this.#session?.describe() };
  }

  /** The reader is present (again), with or without a card. */
  attach(reader: CardReader, present: boolean): void {
    this.#reader = reader;
    this.#present = present;
    this.#notice();
  }

  /** The reader, or the service that provides it, is unavailable. */
  detach(reason: string): void {
    this.#reader = undefined;
    this.#present = false;
    this.#noReader = reason;
    this.#end(new GatewayError("link.lost", reason));
  }

  cardInserted(): void {
    this.#present = true;
    this.#notice();
  }

  cardRemoved(): void {
    this.#present = false;
    this.#end(new GatewayError("card.removed", `${this.id}: the card was removed`));
  }

  async submit(sms: OutboundSms, signal: AbortSignal): Promise<SubmitOutcome> {
    const session = this.#ready();
    const { up, reason } = this.state;
    if (!up) throw new GatewayError("link.unavailable", `${this.id}: ${reason}`, { fate: "not-sent" });
    const tpdu = deliverTpdu(sms, this.#deps.originator ?? "+10000000000", this.#deps.clock.now());
    if (tracing())
      traceFrame({
        kind: "tpdu",
        dir: "out",
        link: this.id,
        bytes: showTpdu(tpdu, this.#segments.show),
        facts: { reference: sms.reference },
      });
    const serviceCentre = sms.serviceCentre ?? this.#deps.serviceCentre;
    return session.terminal.deliver(tpdu, {
      signal,
      ...(serviceCentre === undefined ? {} : { serviceCentre: serviceCentreOf(serviceCentre) }),
    });
  }

  onInbound(handler: (item: InboundItem) => Promise<void>): void {
    this.#handler = handler;
  }

  /**
   * Gives `work` exclusive use of the card. What it selects on the basic channel stays selected.
   * @throws link.unavailable while no card is ready, card.*, link.*
   */
  async withCard<T>(
    work: (transmit: CardTurn["transmit"], turn: CardTurn) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#ready().channel.exclusive((turn) => {
      const transmit: CardTurn["transmit"] = (apdu, options) =>
        turn.transmit(apdu, { ...withoutUndefined({ signal }), ...options });
      return work(transmit, turn);
    }, signal);
  }

  /** Resets the card and activates it again; resolves when it is ready again. @throws card.*, link.* */
  async reset(kind: "warm" | "cold"): Promise<void> {
    await this.#ready().restart(kind);
  }

  /** Polls the card faster until then (wall clock, ms), because work for it is open. */
  expectActivity(until: number): void {
    this.#activeUntil = Math.max(this.#activeUntil, until);
    this.#session?.expectActivity(this.#activeUntil);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#end(new GatewayError("link.unavailable", `${this.id}: the link is closed`));
    await this.#running;
  }

  #ready(): CardSession {
    if (this.#session !== undefined && this.#now.at === "ready") return this.#session;
    throw new GatewayError("link.unavailable", `${this.id}: ${this.state.reason ?? "no card is ready"}`, {
      detail: { link: this.id },
      fate: "not-sent",
    });
  }

  async #run(): Promise<void> {
    let attempt = 0;
    while (!this.#closed) {
      const reader = this.#reader;
      if (reader === undefined || !this.#present) {
        attempt = 0;
        this.#enter(reader === undefined ? { at: "no-reader", reason: this.#noReader } : { at: "empty" });
        await this.#event();
        continue;
      }
      const started = this.#deps.clock.monotonic();
      const error = await this.#live(reader);
      if (this.#deps.clock.monotonic() - started > soundMs) attempt = 0;
      if (this.#closed || this.#reader !== reader || !this.#present) continue;
      await this.#pause(error, attempt++);
    }
    this.#enter({ at: "closed" });
  }

  /** One card from activation to its end; resolves with what ended it. */
  async #live(reader: CardReader): Promise<GatewayError> {
    this.#enter({ at: "activating" });
    const session = new CardSession({
      ...this.#deps,
      link: this.id,
      reader,
      hooks: { ...this.#deps.hooks, onSms: (sms) => this.#inbound(sms) },
      onReady: (facts) => this.#enter({ at: "ready", ...facts }),
      onUnready: () => this.#enter({ at: "activating" }),
    });
    this.#session = session;
    session.expectActivity(this.#activeUntil);
    const error = await session.run();
    this.#session = undefined;
    return error;
  }

  async #pause(error: GatewayError, attempt: number): Promise<void> {
    const { clock, random, log } = this.#deps;
    // State lost by a reset of another program is restored at once, but only once in a row.
    const delayMs = error.retry === "now" && attempt === 0 ? 0 : backoffMs(attempt, { ...backoff, random });
    log.warn({ link: this.id, code: error.code, attempt, delayMs }, error.message);
    this.#enter({ at: "waiting", error, attempt, delayMs });
    const stop = new AbortController();
    await Promise.race([this.#event(), clock.sleep(delayMs, stop.signal).catch(() => undefined)]);
    stop.abort();
  }

  async #inbound(sms: CardSms): Promise<void> {
    traceFrame({ kind: "tpdu", dir: "in", link: this.id, bytes: sms.tpdu });
    if (this.#handler === undefined) throw new GatewayError("link.unavailable", "the card's messages have no handler");
    await this.#handler(inboundItem(sms));
  }

  #enter(state: CardLinkState): void {
    this.#now = state;
    this.#card = state.at === "ready" ? factsOf(state) : undefined;
    this.#deps.onChange?.();
  }

  #end(why: GatewayError): void {
    this.#session?.end(why);
    this.#notice();
  }

  #event(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #notice(): void {
    this.#wake();
  }
}
