import { GatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import { type Envelope, locationStatusEvent, smsPpDownload, timerExpiration } from "../../../codec/cat/envelope.ts";
import { type CatEvent, catEvent, eventName } from "../../../codec/cat/event.ts";
import type { Address, CommandDetails } from "../../../codec/cat/object.ts";
import { ProactiveCommand, partialDetails } from "../../../codec/cat/proactive.ts";
import { withChannels } from "../../../codec/cat/terminal-profile.ts";
import { Reader } from "../../../codec/kit/codec.ts";
import type { SubmitOutcome } from "../../sms-bearer.ts";
import { type Answer, beyondCapabilities, partially, responseOf, success } from "../answer.ts";
import { CardTaskQueue } from "../card-task-queue.ts";
import {
  envelopeApdu,
  fetchApdu,
  isFetchOrResponse,
  statusApdu,
  terminalProfileApdu,
  terminalResponseApdu,
} from "../cat-apdu.ts";
import type { CardResponse } from "../exchange.ts";
import { asksTerminalCapability, type CardIdentity, readIdentity, terminalCapability } from "../identity.ts";
import { ignoreCodecErrors, isCodecError } from "../ignore-codec-errors.ts";
import { Schedule } from "../schedule.ts";
import { type ProactiveEvent, type ProactiveSession, step } from "./proactive-session.ts";
import { planRefresh } from "./refresh.ts";
import { failureCause, smsDownloadOutcome, withFate } from "./sms-download.ts";
import { comprehension, shownText, statelessAnswer } from "./stateless-answers.ts";
import { eventsOf, manageTimer, pollInterval, sendShortMessage } from "./terminal-commands.ts";
import type { TerminalDeps, TerminalState } from "./terminal-contract.ts";
import { defaultSettings, type TerminalSettings } from "./terminal-settings.ts";
import { elapsedSeconds, type RunningTimer, remainingSeconds } from "./timers.ts";

/** Number of commands that are served in a row before a waiting task gets its turn. */
const commandsInARow = 16;

/**
 * The terminal for one card: activation, proactive commands, events, timers, polling, REFRESH, short messages. Connect
 * {@link Terminal.answered} to the channel's `onAnswer`, so that the terminal receives every 91XX, regardless of its
 * cause. One terminal serves one connection. ETSI TS 102 223, 3GPP TS 31.111
 */
export class Terminal implements AsyncDisposable {
  readonly #deps: TerminalDeps;
  readonly #settings: TerminalSettings;
  readonly #profile: Uint8Array;
  readonly #tasks = new CardTaskQueue();
  readonly #schedule: Schedule;
  #session: ProactiveSession = { at: "idle" };
  #events: ReadonlySet<number> = new Set();
  #active = false;
  #proactive = false;
  #stopped = false;
  #located = false;
  #identity: CardIdentity | undefined;
  #lastCommand: CommandDetails | undefined;
  #running: Promise<void> | undefined;

  constructor(deps: TerminalDeps) {
    this.#deps = deps;
    this.#settings = { ...defaultSettings, ...deps.settings };
    this.#profile = withChannels(this.#settings.profile, deps.channels?.channels ?? 0);
    this.#schedule = new Schedule({
      clock: deps.clock,
      pollMs: this.#settings.pollMs,
      jobPollMs: this.#settings.jobPollMs,
      retryAt: () => this.#tasks.dueAt,
      onRetry: () => this.#retry(),
      onTimer: (timer) => this.#expire(timer),
      onPoll: () => this.#poll(),
    });
    deps.channels?.onEvent((event, make, taken) => this.raise(event, make, taken));
  }

  /**
   * Activates a card after a reset: TERMINAL PROFILE, its first commands, identity, location status. Resolves when the
   * card announces no further command. @throws card.*, link.* as thrown by the card's channel
   */
  async activate(): Promise<CardIdentity> {
    await this.#introduce();
    await this.#task(() => this.#settleIn());
    await this.settled();
    return this.#identity ?? {};
  }

  /** Processes every answer of the card, whichever caller sent the command. */
  answered(response: CardResponse, apdu: Uint8Array): void {
    this.#schedule.touch();
    if (!this.#active || isFetchOrResponse(apdu)) return;
    this.#step({ kind: "status", sw: response.sw });
    // These announce a command without its length, which the next status word contains.
    if (response.sw === 0x62f2 || response.sw === 0x63f2) this.#quietly(() => this.#askStatus());
    this.#go();
  }

  /** Resolves when no command is being executed and no task is ready for the card. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /**
   * Delivers a short message (a whole SMS-DELIVER) to the card. It is offered again to a busy card for a limited time.
   * @throws card.*, link.* with `fate`: `not-sent` if it was never sent, otherwise `unknown`; the signal's reason
   */
  async deliver(
    tpdu: Uint8Array,
    options: { readonly serviceCentre?: Address; readonly signal?: AbortSignal } = {},
  ): Promise<SubmitOutcome> {
    const apdu = envelopeApdu(smsPpDownload(tpdu, options.serviceCentre), true);
    const until = this.#now() + this.#settings.busyMs;
    const offer: { left: boolean; outcome?: SubmitOutcome } = { left: false };
    try {
      await this.#task(async () => {
        offer.left = true;
        const response = await this.#transmit(apdu);
        const outcome = smsDownloadOutcome(response, this.#settings.release18);
        if (outcome !== "busy") offer.outcome = outcome;
        else if (this.#now() >= until) {
          offer.outcome = { at: "refused", cause: failureCause.toolkitBusy, sw: response.sw };
        } else offer.left = false;
        return offer.outcome !== undefined;
      }, options.signal);
    } catch (error) {
      throw withFate(error, offer.left ? "unknown" : "not-sent");
    }
    return offer.outcome ?? { at: "refused", cause: failureCause.toolkitBusy };
  }

  /**
   * Offers an event to the card, if its event list contains it. It is offered again to a busy card for a limited time.
   */
  raise(event: CatEvent, make: () => Envelope | undefined, taken?: () => void): void {
    if (!this.#active || this.#stopped) return;
    const until = this.#now() + this.#settings.busyMs;
    this.#quietly(async () => {
      const envelope = this.#events.has(catEvent[event]) ? make() : undefined;
      if (envelope === undefined) return true;
      const { sw } = await this.#transmit(envelopeApdu(envelope, false));
      if (sw >> 8 === 0x93) return this.#now() >= until;
      taken?.();
      return true;
    });
  }

  /** Polls faster while a job is open for the card; dispose ends that. */
  openJob(): Disposable {
    return this.#schedule.openJob();
  }

  /** State for display. */
  describe(): TerminalState {
    const { timers, pollMs } = this.#schedule;
    const left = (id: number) => remainingSeconds(timers, id, this.#now()) ?? 0;
    return {
      active: this.#active && !this.#stopped,
      proactive: this.#proactive,
      session: this.#session,
      profile: toHex(this.#profile),
      identity: this.#identity,
      events: [...this.#events].map((code) => eventName(code) ?? `event ${code}`),
      timers: timers.map(({ id }) => ({ id, remainingSeconds: left(id) })),
      pollMs,
      waiting: this.#tasks.length,
      lastCommand: this.#lastCommand,
      channels: this.#deps.channels?.describe(),
    };
  }

  /** Stops polling, timers and channels at once; waiting tasks are refused. The card is not accessed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop(new GatewayError("link.unavailable", "the terminal was stopped"));
  }

  #now(): number {
    return this.#deps.clock.monotonic();
  }

  #stop(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#forget();
    this.#schedule.stop();
    this.#tasks.close(error);
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stop(error);
    this.#deps.hooks?.onFailure?.(error);
  }

  #step(event: ProactiveEvent): void {
    this.#session = step(this.#session, event);
  }

  #transmit(apdu: Uint8Array): Promise<CardResponse> {
    return this.#deps.card.transmit(apdu, { timeoutMs: this.#settings.apduTimeoutMs });
  }

  /** Clears all state that a reset of the card invalidates. ETSI TS 102 221 §14.5.1 */
  #forget(): void {
    this.#deps.channels?.closeAll();
    this.#step({ kind: "reset" });
    this.#events = new Set();
    this.#schedule.reset();
    this.#located = false;
  }

  /** First step of activation, after a reset. */
  async #introduce(): Promise<void> {
    this.#forget();
    const options = { timeoutMs: this.#settings.apduTimeoutMs };
    const { terminalCapability: when } = this.#settings;
    if (when === "always" || (when === "asked" && (await asksTerminalCapability(this.#deps.card, options)))) {
      await this.#transmit(terminalCapability);
    }
    this.#active = true;
    const { sw } = await this.#transmit(terminalProfileApdu(this.#profile));
    this.#proactive = sw === 0x9000 || sw >> 8 === 0x91;
    this.#schedule.start(this.#proactive);
  }

  /** Last step of activation, once the card's first commands are served. */
  async #settleIn(): Promise<boolean> {
    await this.#readIdentity();
    this.#reportLocation();
    return true;
  }

  async #readIdentity(): Promise<void> {
    const options = { timeoutMs: this.#settings.apduTimeoutMs };
    const now = await this.#deps.card.exclusive((turn) => readIdentity(turn, options));
    const before = this.#identity;
    this.#identity = now;
    if (before?.iccid !== now.iccid || before?.imsi !== now.imsi) this.#deps.hooks?.onIdentity?.(now, before);
  }

  /** Once per activation: an eUICC waits for it after a profile switch. ETSI TS 102 223 §7.5.4 */
  #reportLocation(): void {
    const { location } = this.#settings;
    if (this.#located || location === undefined || !this.#events.has(catEvent.locationStatus)) return;
    this.#located = true;
    this.raise("locationStatus", () => locationStatusEvent("normal", location));
  }

  #task(run: () => Promise<boolean>, signal?: AbortSignal): Promise<void> {
    const done = this.#tasks.add(run, signal);
    this.#go();
    return done;
  }

  #quietly(run: () => Promise<boolean>): void {
    this.#tasks.addUnattended(run);
    this.#go();
  }

  /** Starts the loop that serves commands and runs tasks, unless it is running or there is no work. */
  #go(): void {
    if (this.#running !== undefined || this.#stopped) return;
    if (this.#session.at !== "announced" && !this.#tasks.ready) return;
    this.#running = this.#run()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#running = undefined;
        this.#go();
      });
  }

  async #run(): Promise<void> {
    let inARow = 0;
    while (!this.#stopped) {
      // A card that keeps issuing commands must still receive its short messages and events.
      const turn = inARow++ < commandsInARow || !this.#tasks.ready;
      if (this.#session.at === "announced" && turn) await this.#serve(this.#session.length);
      else if (this.#tasks.ready) {
        inARow = 0;
        await this.#tasks.runNext(() => this.#now());
        if (this.#tasks.dueAt !== undefined) this.#schedule.rearm();
      } else return;
    }
  }

  /** Fetches one command, carries it out and answers it. ETSI TS 102 223 §6.3 */
  async #serve(length: number): Promise<void> {
    this.#step({ kind: "fetch" });
    const { data } = await this.#transmit(fetchApdu(length));
    if (data.length === 0) {
      this.#step({ kind: "fetch-failed" });
      return;
    }
    const command = ignoreCodecErrors(() => ProactiveCommand.read(new Reader(data)));
    const details = command?.details ?? partialDetails(data);
    this.#step({ kind: "fetched", details });
    this.#lastCommand = details;
    if (command === undefined) await this.#respond(undefined, details, { result: "dataNotUnderstood" });
    else if (command.name === "refresh") await this.#refresh(command);
    else await this.#respond(command, details, await this.#execute(command));
  }

  async #respond(command: ProactiveCommand | undefined, details: CommandDetails, given: Answer): Promise<void> {
    const response = responseOf(details, given);
    this.#step({ kind: "answer" });
    const { sw } = await this.#transmit(terminalResponseApdu(response));
    this.#step({ kind: "answered", sw });
    this.#deps.hooks?.onCommand?.(command, response);
    if (sw === 0x9000) this.#tasks.resume();
  }

  async #execute(command: ProactiveCommand): Promise<Answer> {
    const understood = comprehension(command);
    if (understood === "not") return { result: "dataNotUnderstood" };
    try {
      const given = await this.#carryOut(command);
      return understood === "partly" ? partially(given) : given;
    } catch (error) {
      if (isCodecError(error)) return { result: "dataNotUnderstood" };
      throw error;
    }
  }

  async #carryOut(command: ProactiveCommand): Promise<Answer> {
    const { clock, hooks, channels } = this.#deps;
    const text = command.name === "displayText" ? shownText(command) : undefined;
    if (text !== undefined) hooks?.onText?.(text, command);
    const known = statelessAnswer(command, { settings: this.#settings, now: clock.now() });
    if (known !== undefined) return known;
    switch (command.name) {
      case "pollInterval": {
        const { answer, pollMs } = pollInterval(command);
        if (pollMs !== undefined) this.#schedule.poll(pollMs);
        return answer;
      }
      case "pollingOff":
        this.#schedule.poll(undefined);
        return success;
      case "setUpEventList": {
        const events = eventsOf(command);
        if (events === undefined) return { result: "valuesMissing" };
        this.#events = events;
        if (this.#identity !== undefined) this.#reportLocation();
        return success;
      }
      case "timerManagement": {
        const { answer, timers } = manageTimer(this.#schedule.timers, command, clock.monotonic());
        this.#schedule.timers = timers;
        return answer;
      }
      case "sendShortMessage":
        return sendShortMessage(command, hooks?.onSms);
      default:
        return channels === undefined ? beyondCapabilities : channels.execute(command);
    }
  }

  /** ETSI TS 102 223 §6.4.7 */
  async #refresh(command: ProactiveCommand): Promise<void> {
    const plan = planRefresh(command, this.#deps.hooks?.mayRefresh);
    if ("result" in plan) return this.#respond(command, command.details, plan);
    this.#deps.hooks?.onRefresh?.(plan);
    const first = plan.respond === "before" || (plan.respond === "never" && this.#settings.answerReset);
    if (first) await this.#respond(command, command.details, success);
    else if (plan.respond === "never") this.#deps.hooks?.onCommand?.(command, undefined);
    if (plan.reset) return this.#restart();
    if (plan.rereadIdentity) await this.#readIdentity();
    await this.#respond(command, command.details, success);
    if (!plan.initialise) return;
    this.#located = false;
    this.#reportLocation();
  }

  /** The card starts again; its first commands are served before its identity is read. */
  async #restart(): Promise<void> {
    this.#forget();
    await this.#deps.card.reset("cold");
    await this.#introduce();
    this.#tasks.addUnattended(() => this.#settleIn(), true);
  }

  #retry(): void {
    this.#tasks.resume();
    this.#go();
  }

  /** ETSI TS 102 223 §7.4 */
  #expire(timer: RunningTimer): void {
    this.#quietly(async () => {
      const expired = timerExpiration(timer.id, elapsedSeconds(timer, this.#now()));
      return (await this.#transmit(envelopeApdu(expired, false))).sw >> 8 !== 0x93;
    });
  }

  /** ETSI TS 102 221 §14.5.2. While a command is in hand no polling is needed. */
  async #poll(): Promise<void> {
    if (this.#running === undefined) await this.#askStatus().catch((error: unknown) => this.#fail(error));
  }

  async #askStatus(): Promise<boolean> {
    await this.#transmit(statusApdu);
    return true;
  }
}
