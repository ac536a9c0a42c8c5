import { setMaxListeners } from "node:events";
import { detach } from "../../base/detach.ts";
import { type GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { Body } from "../../codec/smpp/bodies.ts";
import type { Pdu, RequestCommand, ResponseCommand } from "../../codec/smpp/pdu.ts";
import { type StatusClass, statusClass } from "../../codec/smpp/status.ts";
import { reported } from "../reported.ts";
import { EsmeBind, type EsmeBindDeps, type EsmeBindOptions } from "./esme-bind.ts";
import { type EsmeCounters, noCounts } from "./esme-counters.ts";
import { accepted, congestion, type Rate, startRate, takeToken, throttle } from "./rate.ts";
import type { SmppSession } from "./session.ts";
import type { RequestHandler } from "./session-contract.ts";
import type { BindMode } from "./session-state.ts";
import { fateError, statusError } from "./status-error.ts";

/** Options of an account at an SMSC: its binds and limits. */
export interface EsmeLinkOptions extends Omit<EsmeBindOptions, "mode"> {
  /** One entry per bind. */
  readonly modes: readonly BindMode[];
  /** Messages per second; Infinity without a limit. */
  readonly rate: number;
  /** Maximum number of queued messages. */
  readonly queue: number;
  /** How long a message may be queued for a bind, for room in a window, or until the SMSC stops throttling. */
  readonly patienceMs: number;
  readonly statusClasses?: ReadonlyMap<number, StatusClass>;
}

/** A message that waits for one of the binds. */
interface Waiting {
  readonly command: RequestCommand;
  readonly body: Body<RequestCommand>;
  /** Messages with the same key use the same bind while one of them is in flight. */
  readonly key: string;
  readonly deadline: number;
  readonly resolve: (pdu: Pdu<ResponseCommand>) => void;
  readonly reject: (error: GatewayError) => void;
  readonly late: ((pdu: Pdu<ResponseCommand>) => void) | undefined;
  over: boolean;
  sent: boolean;
  /** Messages that are abandoned with the same signal of a caller. */
  watched?: Set<Waiting>;
  lastError?: GatewayError;
}

const configurationLimit = 3;
const holdMs = 60_000;
const maxNapMs = 250;

/**
 * An SMSC account as an ESME sees it: several binds, one queue, one rate. A throttled message returns to the head of
 * the queue and the whole link pauses. A message that was in flight when a bind was lost has fate `unknown` and is not
 * sent again here.
 */
export class EsmeLink implements AsyncDisposable {
  readonly #options: EsmeLinkOptions;
  readonly #deps: EsmeBindDeps;
  readonly #binds: readonly EsmeBind[];
  readonly #queue: Waiting[] = [];
  readonly #homes = new Map<string, { session: SmppSession; count: number }>();
  readonly #watched = new WeakMap<AbortSignal, Set<Waiting>>();
  readonly #stop = new AbortController();
  readonly #counts = noCounts();
  /** Called when the link came up or went down. */
  onChange: () => void = () => {};
  #rate: Rate;
  #wakeAt = Number.POSITIVE_INFINITY;
  #sleeping = new AbortController();
  #configurationRefusals = 0;
  #up = false;

  constructor(handler: RequestHandler, options: EsmeLinkOptions, deps: EsmeBindDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#rate = startRate(options.rate, deps.clock.monotonic());
    this.#binds = options.modes.map((mode) => new EsmeBind(handler, { ...options, mode }, deps));
    for (const bind of this.#binds) bind.onChange = () => this.#changed();
  }

  start(): void {
    for (const bind of this.#binds) bind.start();
  }

  /** True while messages can be sent. */
  get up(): boolean {
    return this.#binds.some((bind) => bind.session !== undefined && bind.mode !== "rx");
  }

  get binds(): readonly EsmeBind["state"][] {
    return this.#binds.map((bind) => bind.state);
  }

  /** Facts for display and metrics: queued messages, messages in flight, the rate in use (messages per second). */
  get load(): { readonly queued: number; readonly inFlight: number; readonly rate: number; readonly paused: boolean } {
    return {
      queued: this.#queue.length,
      inFlight: this.#binds.reduce((sum, bind) => sum + bind.state.inFlight, 0),
      rate: this.#rate.current,
      paused: this.#rate.pausedUntil > this.#deps.clock.monotonic(),
    };
  }

  /** Outcome of messages since the start. */
  get counters(): Readonly<EsmeCounters> {
    return this.#counts;
  }

  /** Ends all sessions and binds again. */
  rebind(): void {
    for (const bind of this.#binds) bind.rebind();
  }

  /**
   * Sends one request when a bind has room and the rate allows; resolves with a response of status 0. A response that
   * arrives after the request was abandoned is passed to `late`.
   * @throws smsc.*, link.unavailable, link.queue-full, link.timeout, link.lost, codec.*; all with `fate`
   */
  submit<C extends "submit_sm" | "data_sm" | "query_sm" | "cancel_sm">(
    command: C,
    body: Body<C>,
    {
      key,
      signal,
      late,
    }: {
      readonly key: string;
      readonly signal?: AbortSignal;
      readonly late?: (pdu: Pdu<ResponseCommand>) => void;
    },
  ): Promise<Pdu<ResponseCommand>> {
    if (this.#stop.signal.aborted)
      return Promise.reject(fateError("link.unavailable", "the link is closed", "not-sent"));
    if (signal?.aborted) return Promise.reject(fateError("link.timeout", "aborted before it was sent", "not-sent"));
    if (this.#queue.length >= this.#options.queue) {
      return Promise.reject(
        fateError("link.queue-full", `${this.#queue.length} messages are already waiting`, "not-sent"),
      );
    }
    return new Promise((resolve, reject) => {
      const deadline = this.#deps.clock.monotonic() + this.#options.patienceMs;
      const tellLate = (pdu: Pdu<ResponseCommand>) => {
        this.#counts.late += 1;
        late?.(pdu);
      };
      const waiting: Waiting = {
        command,
        body,
        key,
        deadline,
        resolve,
        reject,
        late: tellLate,
        over: false,
        sent: false,
      };
      if (signal !== undefined) this.#abortable(waiting, signal);
      this.#queue.push(waiting);
      this.#dispatch();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#sleeping.abort();
    for (const waiting of this.#queue.splice(0)) {
      this.#fail(waiting, fateError("link.unavailable", "the link was closed", "not-sent"));
    }
    await Promise.all(this.#binds.map((bind) => bind[Symbol.asyncDispose]()));
  }

  #abortable(waiting: Waiting, signal: AbortSignal): void {
    let watched = this.#watched.get(signal);
    if (watched === undefined) {
      watched = new Set();
      this.#watched.set(signal, watched);
      const all = watched;
      // One signal over all links is normal here, not a leak.
      setMaxListeners(0, signal);
      signal.addEventListener("abort", () => this.#giveUp(all, signal.reason), { once: true });
    }
    watched.add(waiting);
    waiting.watched = watched;
  }

  #giveUp(all: ReadonlySet<Waiting>, reason: unknown): void {
    for (const waiting of [...all]) {
      const at = this.#queue.indexOf(waiting);
      if (at >= 0) this.#queue.splice(at, 1);
      this.#fail(
        waiting,
        fateError("link.timeout", "timed out before it was sent", waiting.sent ? "unknown" : "not-sent", reason),
      );
    }
  }

  #fail(waiting: Waiting, error: GatewayError): void {
    if (error.fate === "unknown") this.#counts.unknown += 1;
    else if (!waiting.sent) this.#counts.expired += 1;
    waiting.over = true;
    waiting.watched?.delete(waiting);
    waiting.reject(error);
  }

  #changed(): void {
    const { up } = this;
    if (up !== this.#up) {
      this.#up = up;
      this.onChange();
    }
    this.#dispatch();
  }

  #sessionFor(key: string): SmppSession | undefined {
    const home = this.#homes.get(key)?.session;
    if (home !== undefined && home.state.at === "bound") return home.room > 0 ? home : undefined;
    let best: SmppSession | undefined;
    for (const { session, mode } of this.#binds) {
      if (session === undefined || mode === "rx" || session.room <= 0) continue;
      if (best === undefined || session.inFlight < best.inFlight) best = session;
    }
    return best;
  }

  #dispatch(): void {
    const now = this.#deps.clock.monotonic();
    for (;;) {
      const [head] = this.#queue;
      if (head === undefined) return;
      const session = this.#sessionFor(head.key);
      if (session === undefined) {
        this.#scheduleRun(head.deadline - now);
        return;
      }
      const { rate, waitMs } = takeToken(this.#rate, now);
      this.#rate = rate;
      if (waitMs > 0) {
        this.#scheduleRun(Math.min(waitMs, head.deadline - now));
        return;
      }
      this.#queue.shift();
      this.#send(head, session);
    }
  }

  /** Processes the queue again after this time, at the latest when a waiting message may exceed its patience. */
  #scheduleRun(ms: number): void {
    const now = this.#deps.clock.monotonic();
    const at = now + Math.max(1, Math.min(ms, maxNapMs));
    if (this.#stop.signal.aborted || (this.#wakeAt <= at && this.#wakeAt > now)) return;
    this.#sleeping.abort();
    const nap = new AbortController();
    this.#sleeping = nap;
    this.#wakeAt = at;
    this.#deps.clock.sleep(at - now, nap.signal).then(
      () => {
        this.#wakeAt = Number.POSITIVE_INFINITY;
        this.#expire();
        this.#dispatch();
      },
      () => undefined,
    );
  }

  #expire(): void {
    const now = this.#deps.clock.monotonic();
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      const waiting = this.#queue[i];
      if (waiting === undefined || waiting.deadline > now) continue;
      this.#queue.splice(i, 1);
      const why = this.up ? "the window was full for too long" : `no bind: ${this.#reason}`;
      this.#fail(waiting, waiting.lastError ?? fateError("link.unavailable", why, "not-sent"));
    }
  }

  get #reason(): string {
    return this.#binds.map(({ state }) => state.reason).find((reason) => reason !== undefined) ?? "no bind can send";
  }

  #send(waiting: Waiting, session: SmppSession): void {
    waiting.sent = true;
    this.#counts.sent += 1;
    const home = this.#homes.get(waiting.key);
    if (home?.session === session) home.count += 1;
    else this.#homes.set(waiting.key, { session, count: 1 });
    const left = () => {
      const now = this.#homes.get(waiting.key);
      if (now?.session === session && --now.count === 0) this.#homes.delete(waiting.key);
    };
    session.request(waiting.command, waiting.body, undefined, waiting.late).then(
      (pdu) => {
        left();
        this.#answered(waiting, session, pdu);
      },
      (error: unknown) => {
        left();
        if (!isGatewayError(error)) throw error;
        this.#broken(waiting, error);
      },
    );
  }

  #broken(waiting: Waiting, error: GatewayError): void {
    const again = error.code === "link.unavailable" || error.code === "link.queue-full";
    if (again) this.#again(waiting, error);
    else this.#fail(waiting, error);
  }

  #answered(waiting: Waiting, session: SmppSession, pdu: Pdu<ResponseCommand>): void {
    const now = this.#deps.clock.monotonic();
    const congested = pdu.body?.tlvs.congestionState;
    if (congested !== undefined) this.#rate = congestion(this.#rate, congested, now);
    const kind = statusClass(pdu.status, this.#options.statusClasses);
    this.#configurationRefusals = kind === "configuration" ? this.#configurationRefusals + 1 : 0;
    if (kind === "ok") {
      this.#counts.accepted += 1;
      this.#rate = accepted(this.#rate, now);
      waiting.over = true;
      waiting.watched?.delete(waiting);
      waiting.resolve(pdu);
      return;
    }
    const error = statusError(pdu.status, this.#options.statusClasses);
    this.#counts[kind === "throttle" ? "throttled" : "refused"] += 1;
    if (kind === "throttle") {
      this.#rate = throttle(this.#rate, now);
      this.#again(waiting, error);
    } else if (kind === "session") {
      detach(session.unbind(), reported(this.#deps.log, "failed to unbind a session", { link: this.#options.link }));
      this.#again(waiting, error);
    } else {
      if (kind === "configuration") this.#alarm(error, now);
      this.#fail(waiting, error);
    }
  }

  #alarm(error: GatewayError, now: number): void {
    this.#deps.log.error({ link: this.#options.link, ...error.detail }, "the SMSC refuses the parameters of this link");
    if (this.#configurationRefusals < configurationLimit) return;
    this.#rate = { ...this.#rate, pausedUntil: now + holdMs };
  }

  #again(waiting: Waiting, error: GatewayError): void {
    if (waiting.over) return;
    waiting.sent = false;
    waiting.lastError = error;
    if (this.#stop.signal.aborted || waiting.deadline <= this.#deps.clock.monotonic()) this.#fail(waiting, error);
    else {
      this.#queue.unshift(waiting);
      this.#dispatch();
    }
  }
}
