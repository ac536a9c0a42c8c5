import type { Clock } from "../../../base/clock.ts";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import { KeyedQueue } from "../../../base/keyed-queue.ts";
import { plain } from "../../../codec/at/general-commands.ts";
import {
  messageFormat,
  messageService,
  moreMessages,
  pduMode,
  selectMemory,
  sendMessage,
} from "../../../codec/at/sms-commands.ts";
import { showTpdu } from "../../../codec/secrets/message-secrets.ts";
import type { SmsAddress } from "../../../codec/sms/address.ts";
import { type SmsSubmit, tpduBytes } from "../../../codec/sms/tpdu.ts";
import { relativeValidity } from "../../../codec/sms/validity.ts";
import type { Log } from "../../driver.ts";
import { SegmentMemory } from "../../secrets/segment-memory.ts";
import type { InboundItem, OutboundSms, SmsBearer, SubmitOutcome } from "../../sms-bearer.ts";
import { traceFrame, tracing } from "../../trace.ts";
import type { AtEngine } from "../at/at-engine.ts";
import { ask, isRefusal, isUnanswered } from "../questions.ts";
import { CardMailbox } from "./card-mailbox.ts";
import { SeenMessages } from "./seen-messages.ts";
import { SentMessages } from "./sent-messages.ts";
import { SmsInbox } from "./sms-inbox.ts";

/** What the bearer needs. */
interface ModemSmsBearerDeps {
  /** Link id of the modem. */
  readonly id: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Messages that may wait before the bearer rejects more as full; 50 unless given. */
  readonly queueLimit?: number;
  /** Whether the card in the modem accepts command packets itself; false by default. */
  readonly cardTakesPackets?: () => boolean;
}

/** Errors after which the message may have been sent nevertheless: the network was silent, or the cause is unknown. */
const unsureCms = [332, 500, 512, 521];

/** Carries short messages over a modem. Outlives the engine: each start of the modem {@link attach}es a new one. */
export class ModemSmsBearer implements SmsBearer {
  readonly kind = "modem" as const;
  readonly id: string;
  readonly #deps: ModemSmsBearerDeps;
  readonly #queue = new KeyedQueue<"send">();
  readonly #sent = new SentMessages();
  readonly #seen = new SeenMessages();
  readonly #times: number[] = [];
  readonly #segments = new SegmentMemory();
  #deliver: (item: InboundItem) => Promise<void> = () => Promise.reject(noHandler());
  #live: { readonly engine: AtEngine; readonly inbox: SmsInbox } | undefined;
  #down: string | undefined = "the modem is not started";
  #waiting = 0;
  #moreRefused = false;
  #attaching: Promise<void> = Promise.resolve();
  #refusalTold = false;

  constructor(deps: ModemSmsBearerDeps) {
    this.#deps = deps;
    this.id = deps.id;
  }

  get state(): SmsBearer["state"] {
    return this.#down === undefined ? { up: true } : { up: false, reason: this.#down };
  }

  /** The inbox of the running modem, for polling by its link. */
  get inbox(): SmsInbox | undefined {
    return this.#live?.inbox;
  }

  onInbound(handler: (item: InboundItem) => Promise<void>): void {
    this.#deliver = handler;
  }

  /** The modem was (re)started: sets up its message service and receives stored messages. @throws modem.*, link.lost */
  async attach(engine: AtEngine): Promise<void> {
    this.detach("the modem's message service is being set up");
    const { file } = engine.profile;
    await choosePduMode(engine);
    const phase2plus = (file.sms?.service ?? 1) === 1 && (await accepted(engine, engine.run(messageService, 1)));
    for (const line of file.sms?.prepare ?? []) await accepted(engine, engine.run(plain, line));
    const memory = file.sms?.storages?.[0];
    if (memory !== undefined) await accepted(engine, engine.run(selectMemory, { memory, names: 3 }));
    const { id, clock, log } = this.#deps;
    const deliver = (item: InboundItem) => this.#deliver(item);
    const inbox = new SmsInbox({
      engine,
      link: id,
      clock,
      log,
      sent: this.#sent,
      seen: this.#seen,
      phase2plus,
      mailbox: new CardMailbox({
        engine,
        link: id,
        log,
        cardTakesPackets: this.#deps.cardTakesPackets ?? (() => false),
      }),
      deliver,
    });
    await inbox.start();
    this.#live = { engine, inbox };
    this.#moreRefused = file.sms?.moreMessages === false;
    this.#down = undefined;
  }

  /**
   * {@link attach}, one after the other; a modem that refuses its message service is logged, and may be attached later.
   */
  attachIfTaken(engine: AtEngine): Promise<void> {
    const attached = this.#attaching.then(async () => {
      try {
        await this.attach(engine);
      } catch (thrown) {
        if (!isUnanswered(engine, thrown)) throw thrown;
        this.detach(`the modem refused its message service: ${thrown.message}`);
        const { id, log } = this.#deps;
        log[this.#refusalTold ? "debug" : "warn"](
          { link: id, error: thrown.toJSON() },
          "the modem refused its message service",
        );
        this.#refusalTold = true;
      }
    });
    this.#attaching = attached.catch(() => undefined);
    return attached;
  }

  /**
   * The modem is absent, restarting or not registered: messages are refused until it is attached or {@link resume}d.
   */
  detach(reason: string): void {
    this.#live?.inbox.close();
    this.#live = undefined;
    this.#down = reason;
  }

  /** Not registered: the message service stays as it is, but nothing can be sent. */
  suspend(reason: string): void {
    if (this.#live !== undefined) this.#down = reason;
  }

  resume(): void {
    if (this.#live !== undefined) this.#down = undefined;
  }

  async submit(sms: OutboundSms, signal: AbortSignal): Promise<SubmitOutcome> {
    if (this.#down !== undefined) throw notSent("link.unavailable", `${this.id}: ${this.#down}`);
    if (this.#waiting >= (this.#deps.queueLimit ?? 50)) {
      throw notSent("link.queue-full", `${this.id}: ${this.#waiting} messages are already waiting`);
    }
    this.#waiting++;
    try {
      return await this.#queue.run("send", () => this.#send(sms, signal));
    } finally {
      this.#waiting--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.detach("the modem was closed");
    await this.#queue.idle();
  }

  async #send(sms: OutboundSms, signal: AbortSignal): Promise<SubmitOutcome> {
    const tpdu = tpduBytes(submitTpdu(sms));
    await this.#waitForRate(signal);
    const engine = this.#live?.engine;
    if (engine === undefined)
      throw notSent("link.unavailable", `${this.id}: ${this.#down ?? "the modem is disconnected"}`);
    if (sms.moreToCome && !this.#moreRefused) {
      this.#moreRefused = !(await accepted(engine, engine.run(moreMessages, 1)));
    }
    if (tracing()) traceFrame({ kind: "tpdu", dir: "out", link: this.id, bytes: showTpdu(tpdu, this.#segments.show) });
    this.#times.push(this.#deps.clock.monotonic());
    const outcome = this.#submitTpdu(engine, tpdu, sms, signal);
    this.#sent.leaving(outcome);
    return outcome;
  }

  async #submitTpdu(engine: AtEngine, tpdu: Uint8Array, sms: OutboundSms, signal: AbortSignal): Promise<SubmitOutcome> {
    try {
      const { reference } = await engine.run(sendMessage, { serviceCentre: new Uint8Array(), tpdu }, { signal });
      this.#sent.add(reference, sms.to ?? "", sms.reference, this.#deps.clock.now());
      return { at: "accepted", networkReference: String(reference) };
    } catch (error) {
      if (isPlainRefusal(error)) throw await this.#refused(engine, error);
      return afterError(error);
    }
  }

  /**
   * A plain ERROR has no cause. A module that restarted unnoticed is in text mode again and refuses every PDU this way.
   */
  async #refused(engine: AtEngine, cause: GatewayError): Promise<GatewayError> {
    await accepted(engine, engine.run(pduMode, undefined)).catch(() => false);
    return new GatewayError("modem.message-refused", cause.message, { detail: cause.detail, fate: cause.fate, cause });
  }

  /** Limits messages per minute; bursts within the limit are allowed. */
  async #waitForRate(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const limit = this.#live?.engine.profile.file.sms?.perMinute ?? 30;
    for (;;) {
      while (this.#times.length > 0 && clock.monotonic() - (this.#times[0] ?? 0) >= 60_000) this.#times.shift();
      const oldest = this.#times[this.#times.length - limit];
      if (oldest === undefined) return;
      await clock.sleep(Math.max(1, oldest + 60_000 - clock.monotonic()), signal);
    }
  }
}

/** SMS-SUBMIT of a segment. E.164 digits are international with or without their plus; short codes are not. */
function submitTpdu(sms: OutboundSms): SmsSubmit {
  if (sms.to === undefined) throw notSent("link.unavailable", "the target has no number, which a modem requires");
  return {
    type: "SMS-SUBMIT",
    rejectDuplicates: false,
    statusReport: sms.receipt,
    userDataHeader: sms.userDataHeader,
    replyPath: false,
    reference: 0,
    destination: destination(sms.to),
    pid: sms.protocolId,
    dcs: sms.dataCoding,
    ...(sms.validityMinutes === undefined
      ? {}
      : { validity: { format: "relative", value: relativeValidity(sms.validityMinutes) } as const }),
    userData: {
      octets: sms.userData,
      ...withoutUndefined({ length: sms.userDataLength }),
    },
  };
}

function destination(to: string): SmsAddress {
  const number = to.replace(/[^0-9*#]/g, "");
  return { toa: to.startsWith("+") || number.length >= 7 ? 0x91 : 0x81, number };
}

/**
 * An unreadable answer is an acceptance without a reference; some errors leave the outcome open.
 */
function afterError(error: unknown): SubmitOutcome {
  if (isGatewayError(error) && error.code.startsWith("codec.")) return { at: "accepted" };
  if (isGatewayError(error) && typeof error.detail.cms === "number" && unsureCms.includes(error.detail.cms)) {
    throw error.with({ fate: "unknown" });
  }
  throw error;
}

function isPlainRefusal(error: unknown): error is GatewayError {
  return isGatewayError(error, "modem.refused");
}

/** True if the modem accepted it, false if it refused or did not answer in time; other failures are thrown. */
async function accepted(engine: AtEngine, work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (isUnanswered(engine, error)) return false;
    throw error;
  }
}

/** A modem that supports no other mode may refuse the command that selects it. */
async function choosePduMode(engine: AtEngine): Promise<void> {
  try {
    await engine.run(pduMode, undefined);
  } catch (error) {
    if (!isRefusal(error) || (await ask(engine, messageFormat, undefined)) !== 0) throw error;
  }
}

function notSent(code: "link.unavailable" | "link.queue-full", message: string): GatewayError {
  return new GatewayError(code, message, { fate: "not-sent" });
}

function noHandler(): GatewayError {
  return new GatewayError("link.unavailable", "incoming messages have no handler yet");
}
