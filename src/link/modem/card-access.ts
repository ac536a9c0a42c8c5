import { setTimeout } from "node:timers/promises";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { onChannel, parseClassByte } from "../../codec/apdu/class-byte.ts";
import { cgla, closeChannel, csim, openChannel } from "../../codec/at/card-commands.ts";
import { plain } from "../../codec/at/general-commands.ts";
import { traceFrame } from "../trace.ts";
import type { AtEngine } from "./at/at-engine.ts";
import type { Urgency } from "./at/at-request.ts";
import type { RunOptions } from "./at/engine-contract.ts";

/** Time limit and signal of one exchange. */
export interface ExchangeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A logical channel as the caller sees it: the modem's own session, or a channel of the card over +CSIM. */
type Route =
  /** Opened by the caller, but no application selected yet: the SELECT determines which form the modem requires. */
  | { readonly at: "unselected" }
  | { readonly at: "session"; readonly session: string }
  | { readonly at: "csim"; readonly channel: number };

const success = Uint8Array.of(0x90, 0x00);
const notFound = Uint8Array.of(0x6a, 0x82);
const channelLimit = 19;
/** A modem reports "SIM busy" while it uses the card itself; the command did not reach the card. */
const busyWaitsMs = [200, 400, 800];

/** How the card is reached. */
interface CardAccessOptions {
  /** MANAGE CHANNEL over +CSIM before +CCHO is tried. */
  readonly csimFirst?: boolean;
  readonly urgency?: Urgency;
}

/**
 * Maps APDUs to the commands of a modem: +CSIM for the basic channel, +CCHO, +CGLA and +CCHC for logical ones, MANAGE
 * CHANNEL over +CSIM where those are missing. Closes channels that were left open. TS 27.007 §8.17, §8.43 to §8.46
 */
export class CardAccess {
  readonly #engine: AtEngine;
  readonly #link: string;
  readonly #routes = new Map<number, Route>();
  readonly #leaked: Set<string>;
  readonly #run: Pick<RunOptions, "urgency">;
  #sessions: "untried" | "work" | "missing";
  /** MANAGE CHANNEL over +CSIM comes first and has not been refused so far. */
  #csimFirst: boolean;
  #prepared = false;

  constructor(
    engine: AtEngine,
    link: string,
    leaked: Set<string>,
    { csimFirst = false, urgency = "normal" }: CardAccessOptions = {},
  ) {
    this.#engine = engine;
    this.#link = link;
    this.#leaked = leaked;
    this.#run = { urgency };
    this.#sessions = engine.profile.file.card?.access?.includes("cgla") === false ? "missing" : "untried";
    this.#csimFirst = csimFirst || this.#sessions === "missing";
  }

  /** The commands that reach the card, as far as they were tried. */
  get way(): "cgla" | "csim" | "untried" {
    return this.#sessions === "work" ? "cgla" : this.#sessions === "missing" ? "csim" : "untried";
  }

  /** Forgets all channels: a reset of the card closes them. */
  forget(): void {
    this.#routes.clear();
    this.#leaked.clear();
  }

  async transmit(command: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    await this.#prepare();
    const cla = command[0] ?? 0;
    const ins = command[1] ?? 0;
    if (ins === 0x70 && (cla & 0x80) === 0) return this.#manageChannel(command, options);
    const { channel } = parseClassByte(cla);
    if (channel === 0) return this.#csim(command, options);
    const route = this.#routes.get(channel);
    if (route === undefined) return Uint8Array.of(0x68, 0x81);
    if (route.at === "csim") return this.#csim(withChannel(command, route.channel), options);
    if (route.at === "session") return this.#cgla(route.session, withChannel(command, 0), options);
    if (ins !== 0xa4 || command[2] !== 0x04) return Uint8Array.of(0x69, 0x85);
    return this.#select(channel, command, options);
  }

  /** Closes every channel that is still open; failures are ignored. */
  async close(options: ExchangeOptions): Promise<void> {
    for (const channel of [...this.#routes.keys()]) await this.#closeChannel(channel, options).catch(() => undefined);
    this.#routes.clear();
  }

  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    this.#prepared = true;
    for (const line of this.#engine.profile.file.card?.prepare ?? []) {
      await this.#engine.run(plain, line, this.#run).catch(() => undefined);
    }
  }

  async #manageChannel(command: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    const [, , p1, p2 = 0] = command;
    if (p1 === 0x80) {
      const channel = p2 === 0 ? parseClassByte(command[0] ?? 0).channel : p2;
      if (!this.#routes.has(channel)) return Uint8Array.of(0x68, 0x81);
      await this.#closeChannel(channel, options);
      return success;
    }
    if (this.#csimFirst || this.#sessions === "missing") {
      const answer = await this.#openOverCsim(p2, command, options).catch((error: unknown) => {
        if (this.#sessions === "missing" || !isRefused(error)) throw error;
        return undefined;
      });
      if (answer !== undefined) return answer;
      this.#csimFirst = false;
    }
    const wanted = p2 === 0 ? this.#freeNumber() : p2;
    if (this.#routes.has(wanted) || wanted > channelLimit) return Uint8Array.of(0x6a, 0x81);
    this.#routes.set(wanted, { at: "unselected" });
    return p2 === 0 ? Uint8Array.of(wanted, 0x90, 0x00) : success;
  }

  async #openOverCsim(p2: number, command: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    const answer = await this.#csim(command, options);
    const real = p2 === 0 ? answer[0] : p2;
    if (real === undefined || answer.at(-2) !== 0x90) return answer;
    const shown = this.#routes.has(real) ? this.#freeNumber() : real;
    this.#routes.set(shown, { at: "csim", channel: real });
    return p2 === 0 ? Uint8Array.of(shown, 0x90, 0x00) : answer;
  }

  /** The caller's channel numbers can differ from those of the card. */
  #freeNumber(): number {
    let number = 1;
    while (this.#routes.has(number)) number++;
    return number;
  }

  /** SELECT by name on a new channel: +CCHO opens and selects in one; where it is missing, both go over +CSIM. */
  async #select(channel: number, command: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    const aid = command.subarray(5, 5 + (command[4] ?? 0));
    const opened = await this.#openSession(aid, options);
    if (opened === "not-found") return notFound;
    if (typeof opened === "string") {
      this.#routes.set(channel, { at: "session", session: opened });
      this.#leaked.add(opened);
      return this.#cgla(opened, withChannel(command, 0), options);
    }
    try {
      return await this.#selectOverCsim(channel, command, options);
    } catch (error) {
      // Neither way works: the error of +CCHO is the most specific one.
      throw opened === undefined || !isRefused(error) ? error : asCardError(opened);
    }
  }

  async #selectOverCsim(channel: number, command: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    const answer = await this.#csim(Uint8Array.of(0x00, 0x70, 0x00, 0x00, 0x01), options);
    const real = answer[0];
    if (real === undefined || answer.length < 3 || answer.at(-2) !== 0x90) return answer.subarray(-2);
    this.#routes.set(channel, { at: "csim", channel: real });
    const selected = await this.#csim(withChannel(command, real), options);
    const [sw1 = 0] = selected.subarray(-2);
    if (this.#sessions === "untried" && [0x90, 0x61, 0x91].includes(sw1)) this.#sessions = "missing";
    return selected;
  }

  /**
   * The session, `not-found` when the card has no such application, undefined when the modem has no sessions, or the
   * error of a +CCHO that does not specify which of the two it is.
   */
  async #openSession(
    aid: Uint8Array,
    options: ExchangeOptions,
  ): Promise<string | "not-found" | GatewayError | undefined> {
    if (this.#sessions === "missing") return undefined;
    for (const attempt of [0, 1]) {
      try {
        const session = await this.#patiently(options, () => this.#engine.run(openChannel, aid, this.#pick(options)));
        this.#sessions = "work";
        return session;
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        const { cme } = error.detail;
        if (cme === 22) return "not-found";
        const unclear = cme === 100 || (cme === undefined && /^modem\.cme/.test(error.code));
        const final = unclear || error.code === "modem.refused" || [3, 4, 50, 51].includes(Number(cme));
        if (this.#sessions === "untried" && final && !unclear) {
          this.#sessions = "missing";
          return undefined;
        }
        if (attempt === 1 && unclear) return error;
        if (attempt === 1 || !(final || cme === 20)) throw asCardError(error);
        await this.#closeLeaked();
      }
    }
    return undefined;
  }

  /**
   * Closes sessions that an earlier run left open; if none are known, those with the numbers that modems assign first.
   */
  async #closeLeaked(): Promise<void> {
    const own = [...this.#routes.values()].flatMap((route) => (route.at === "session" ? [route.session] : []));
    const known = [...this.#leaked].filter((session) => !own.includes(session));
    const guesses = this.#engine.profile.quirks.has("session-id-hex") ? [] : ["1", "2", "3"];
    for (const session of known.length > 0 ? known : guesses.filter((number) => !own.includes(number))) {
      await this.#engine.run(closeChannel, session, this.#run).catch(() => undefined);
      this.#leaked.delete(session);
    }
  }

  async #closeChannel(channel: number, options: ExchangeOptions): Promise<void> {
    const route = this.#routes.get(channel);
    this.#routes.delete(channel);
    if (route?.at === "csim") {
      await this.#closeOverCsim(route.channel, options);
    } else if (route?.at === "session") {
      try {
        await this.#engine.run(closeChannel, route.session, this.#pick(options));
        this.#leaked.delete(route.session);
      } catch (error) {
        if (!this.#engine.profile.quirks.has("cchc-unsupported")) throw asCardError(error);
      }
    }
  }

  /** A case 1 command; modems that require a fifth octet in every APDU get it. */
  async #closeOverCsim(channel: number, options: ExchangeOptions): Promise<void> {
    const close = [0x00, 0x70, 0x80, channel];
    try {
      const answer = await this.#csim(Uint8Array.from(close), options);
      if (answer.at(-2) !== 0x67) return;
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
    await this.#csim(Uint8Array.of(...close, 0x00), options);
  }

  async #cgla(session: string, apdu: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    try {
      return await this.#patiently(options, () => this.#engine.run(cgla, { session, apdu }, this.#pick(options)));
    } catch (error) {
      throw asCardError(error);
    }
  }

  async #csim(apdu: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    const { quirks } = this.#engine.profile;
    const sent = quirks.has("csim-drops-le") ? withoutLe(apdu) : apdu;
    const locked = quirks.has("csim-lock-needed");
    try {
      if (locked) await this.#engine.run(plain, "AT+CSIM=1", this.#run).catch(() => undefined);
      return await this.#patiently(options, () => this.#engine.run(csim, sent, this.#pick(options)));
    } catch (error) {
      traceFrame({ kind: "apdu", dir: "out", link: this.#link, facts: { refused: true, octets: apdu.length } });
      throw asCardError(error);
    } finally {
      if (locked) await this.#engine.run(plain, "AT+CSIM=0", this.#run).catch(() => undefined);
    }
  }

  /** "SIM busy" is temporary: the same command is repeated a few times. TS 27.007 §9.2.1 */
  async #patiently<T>({ signal }: ExchangeOptions, work: () => Promise<T>): Promise<T> {
    for (const waitMs of busyWaitsMs) {
      try {
        return await work();
      } catch (error) {
        if (!isGatewayError(error) || error.detail.cme !== 14) throw error;
        await setTimeout(waitMs, undefined, withoutUndefined({ signal }));
      }
    }
    return work();
  }

  #pick({ timeoutMs, signal }: ExchangeOptions): RunOptions {
    return { timeoutMs, ...this.#run, ...withoutUndefined({ signal }) };
  }
}

/** What a failed exchange means for the card. */
export function asCardError(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const detail = error.detail;
  const { cme } = detail;
  if (error.code === "modem.timeout") return new GatewayError("card.mute", error.message, { detail, cause: error });
  if (error.code === "modem.reset") return new GatewayError("card.reset", error.message, { detail, cause: error });
  if (cme === 10) return new GatewayError("card.absent", "the modem detects no card", { detail, cause: error });
  if (cme === 14) return new GatewayError("card.busy", "the modem's card is busy", { detail, cause: error });
  if (cme === 13 || cme === 15) {
    return new GatewayError("card.unresponsive", "the modem cannot use its card", { detail, cause: error });
  }
  if (/^modem\.(cme|refused)|^codec\./.test(error.code)) {
    return new GatewayError("card.protocol", `the modem refused the APDU: ${error.message}`, { detail, cause: error });
  }
  return error;
}

/** The modem did not pass the command on. */
function isRefused(error: unknown): error is GatewayError {
  return isGatewayError(error, "card.protocol") && isGatewayError(error.cause) && /^modem\./.test(error.cause.code);
}

/** The command on another channel than the one its class names. */
function withChannel(command: Uint8Array, channel: number): Uint8Array {
  const copy = Uint8Array.from(command);
  copy[0] = onChannel(command[0] ?? 0, channel);
  return copy;
}

/** Removes the Le of case 4; the answer is then fetched with GET RESPONSE. */
function withoutLe(apdu: Uint8Array): Uint8Array {
  const lc = apdu[4] ?? 0;
  return apdu.length === 6 + lc && lc > 0 ? apdu.subarray(0, -1) : apdu;
}
