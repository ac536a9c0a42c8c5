import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { Body } from "../../codec/smpp/bodies.ts";
import { statusName } from "../../codec/smpp/status.ts";
import { isRefusal, type ReconnectTimes, reconnectDelayMs } from "./reconnect.ts";
import { SmppSession } from "./session.ts";
import type { RequestHandler, SessionDeps, SessionOptions } from "./session-contract.ts";
import type { BindMode } from "./session-state.ts";
import type { SmppStream } from "./stream.ts";

/** Options of one bind of an account. */
export interface EsmeBindOptions extends Omit<SessionOptions, "role"> {
  readonly mode: BindMode;
  readonly bind: Body<"bind_transceiver">;
  readonly reconnect: ReconnectTimes;
}

export interface EsmeBindDeps extends SessionDeps {
  readonly random: () => number;
  /** Opens a stream; with TLS, after its handshake. @throws link.* */
  readonly connect: (signal: AbortSignal) => Promise<SmppStream>;
}

/** One permanent bind: connects, binds, and after each end waits and starts again, until it is disposed. */
export class EsmeBind implements AsyncDisposable {
  readonly mode: BindMode;
  /** Called whenever the bind came up, went down, or its window got room. */
  onChange: () => void = () => {};
  readonly #options: EsmeBindOptions;
  readonly #deps: EsmeBindDeps;
  readonly #handler: RequestHandler;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #session: SmppSession | undefined;
  #reason = "not connected yet";
  #boundAt: number | undefined;
  #running: Promise<void> | undefined;

  constructor(handler: RequestHandler, options: EsmeBindOptions, deps: EsmeBindDeps) {
    this.mode = options.mode;
    this.#handler = handler;
    this.#options = options;
    this.#deps = deps;
  }

  /** The bound session, if there is one. */
  get session(): SmppSession | undefined {
    return this.#session;
  }

  /** Whether it is bound, the peer, and otherwise the reason. */
  get state(): { readonly up: boolean; readonly mode: BindMode; readonly reason?: string; readonly inFlight: number } {
    const up = this.#session !== undefined;
    const inFlight = this.#session?.inFlight ?? 0;
    return { up, mode: this.mode, inFlight, ...(up ? {} : { reason: this.#reason }) };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the session and binds again at once. */
  rebind(error = new GatewayError("link.lost", "a new bind was requested")): void {
    this.#session?.destroy(error);
    this.#wake.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#stop.abort();
    this.#wake.abort();
    await session?.unbind();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      const bindStatus = await this.#once(signal);
      const now = this.#deps.clock.monotonic();
      if (this.#boundAt !== undefined && now - this.#boundAt >= this.#options.reconnect.resetMs) failures = 0;
      this.#boundAt = undefined;
      if (signal.aborted) return;
      const ms = reconnectDelayMs(bindStatus, failures, this.#options.reconnect, this.#deps.random());
      failures += 1;
      this.#wake = new AbortController();
      await this.#deps.clock.sleep(ms, AbortSignal.any([signal, this.#wake.signal])).catch(() => undefined);
    }
  }

  /** Runs one connection from start to end; returns the status of a refused bind. */
  async #once(signal: AbortSignal): Promise<number | undefined> {
    let session: SmppSession | undefined;
    try {
      const stream = await this.#deps.connect(signal);
      if (signal.aborted) {
        stream.destroy();
        return undefined;
      }
      session = new SmppSession(stream, this.#handler, { ...this.#options, role: "esme" }, this.#deps);
      session.onRoom = () => this.onChange();
      session.onState = (state) => {
        if (state.at !== "bound") this.#down();
        else this.#up(session);
      };
      const { status: code } = await session.bind(this.#options.mode, this.#options.bind);
      if (code !== 0) return this.#refused(session, code);
      const { error } = await session.ended;
      this.#reason = error?.message ?? "the SMSC unbound";
      return undefined;
    } catch (error) {
      this.#reason = isGatewayError(error) ? error.message : String(error);
      session?.destroy(new GatewayError("link.lost", this.#reason));
      return undefined;
    } finally {
      this.#down();
      if (!signal.aborted) this.#deps.log.warn({ link: this.#options.link, reason: this.#reason }, "SMPP bind is down");
    }
  }

  #refused(session: SmppSession, code: number): number {
    this.#reason = `the SMSC refused the bind: ${statusName(code)}`;
    session.destroy(new GatewayError("smsc.bind-refused", this.#reason, { detail: { status: code } }));
    const facts = { link: this.#options.link, status: statusName(code) };
    if (isRefusal(code)) this.#deps.log.error(facts, "SMPP bind refused: check the account");
    return code;
  }

  #up(session: SmppSession | undefined): void {
    this.#session = session;
    this.#boundAt = this.#deps.clock.monotonic();
    this.#deps.log.info({ link: this.#options.link, peer: session?.peer, mode: this.mode }, "SMPP bind is up");
    this.onChange();
  }

  #down(): void {
    if (this.#session === undefined) return;
    this.#session = undefined;
    this.onChange();
  }
}
