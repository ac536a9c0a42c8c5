import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { Body } from "../../codec/smpp/bodies.ts";
import { emptyFraming, type Framing, frame, maxPduOctets } from "../../codec/smpp/framer.ts";
import {
  commandName,
  decodePdu,
  headerOctets,
  isResponse,
  isResponseId,
  type Pdu,
  type RequestCommand,
  type ResponseCommand,
  readHeader,
  responseOf,
} from "../../codec/smpp/pdu.ts";
import { shownPdu } from "../../codec/smpp/shown-pdu.ts";
import { status, statusOfField } from "../../codec/smpp/status.ts";
import { showBothWays } from "../segment-memory.ts";
import { traceFrame, tracing } from "../trace.ts";
import { InFlight, type OpenRequest } from "./in-flight.ts";
import { PduOutput } from "./pdu-output.ts";
import { nextSequence } from "./sequence.ts";
import type { Reply, RequestHandler, SessionDeps, SessionEnd, SessionOptions } from "./session-contract.ts";
import {
  type BindMode,
  type SessionAction,
  type SessionEvent,
  type SessionState,
  type SessionTimes,
  sessionTimes,
  stepSession,
} from "./session-state.ts";
import { fateError } from "./status-error.ts";
import type { SmppStream } from "./stream.ts";

const reasons = {
  "no-bind": "the peer did not bind in time",
  "no-bind-answer": "the bind was not answered in time",
  "no-enquire-answer": "the peer stopped answering",
  unbound: "the session was unbound",
} as const;

const busyStatus = new Map<RequestCommand, number>([
  ["deliver_sm", status.ESME_RX_T_APPN],
  ["data_sm", status.ESME_RX_T_APPN],
]);
const outOfOrderBinds = /^bind_/;

/**
 * One SMPP session over one stream, from either side. It cuts the stream into PDUs, matches responses by sequence
 * number, keeps the window, answers enquire_link and unbind, and gives every request of ours a verdict: a response, or
 * an error with `detail.fate`. It never throws at its stream and ends once, by {@link SmppSession.ended}.
 */
export class SmppSession {
  readonly peer: string;
  /** Resolves when the session is over. */
  readonly ended: Promise<SessionEnd>;
  /** Called when there is room in the window again. */
  onRoom: () => void = () => {};
  /** Called when the session got or lost its bind. */
  onState: (state: SessionState) => void = () => {};
  readonly #stream: SmppStream;
  readonly #options: SessionOptions;
  readonly #deps: SessionDeps;
  readonly #times: SessionTimes;
  readonly #handler: RequestHandler;
  readonly #inFlight = new InFlight();
  readonly #show = showBothWays();
  readonly #output: PduOutput;
  readonly #over = new AbortController();
  #finish: (end: SessionEnd) => void = () => {};
  #state: SessionState;
  #framing: Framing = emptyFraming;
  #sequence: number;
  #window: number;
  #serving = 0;
  #heard: number;

  constructor(stream: SmppStream, handler: RequestHandler, options: SessionOptions, deps: SessionDeps) {
    this.#stream = stream;
    this.#output = new PduOutput(stream, () => this.onRoom());
    this.#handler = handler;
    this.#options = options;
    this.#deps = deps;
    this.#times = { ...sessionTimes, ...options.times };
    this.#sequence = options.sequence ?? 0;
    this.#window = options.window;
    this.#heard = deps.clock.monotonic();
    this.#state = { at: "open", since: this.#heard };
    this.peer = stream.peer;
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
    stream.start({
      data: (chunk) => this.#receive(chunk),
      drained: () => this.#output.drained(),
      closed: (error) => this.#end(new GatewayError("link.lost", "the peer closed the connection", { cause: error })),
    });
    void this.#watch();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Requests that may be sent now without waiting; 0 when not bound or while the peer does not read. */
  get room(): number {
    if (this.#state.at !== "bound" || this.#output.full) return 0;
    return this.#window - this.#inFlight.windowed;
  }

  /** Requests of ours without a verdict. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Sends a request and waits for its response, whatever its status. `late` is told a response that comes after all.
   * @throws codec.* (nothing was sent), link.unavailable, link.queue-full, link.timeout, link.lost; all with `detail.fate`
   */
  request<C extends RequestCommand>(
    command: C,
    body: Body<C>,
    responseMs = this.#options.responseMs,
    late?: (pdu: Pdu<ResponseCommand>) => void,
  ): Promise<Pdu<ResponseCommand>> {
    const control = outOfOrderBinds.test(command) || command === "enquire_link" || command === "unbind";
    if (this.#state.at === "closed" || (!control && this.#state.at !== "bound")) {
      return Promise.reject(fateError("link.unavailable", "the session is not bound", "not-sent"));
    }
    if (!control && this.room <= 0) {
      return Promise.reject(fateError("link.queue-full", "the window is full", "not-sent"));
    }
    const sequence = nextSequence(this.#sequence, this.#inFlight);
    try {
      this.#write({ command, status: 0, sequence, body } as Pdu<RequestCommand>);
    } catch (error) {
      if (!isGatewayError(error)) return Promise.reject(error);
      const detail = { ...error.detail, fate: "not-sent" };
      return Promise.reject(new GatewayError(error.code, error.message, { detail, cause: error }));
    }
    this.#sequence = sequence;
    return new Promise((resolve, reject) => {
      const deadline = this.#deps.clock.monotonic() + responseMs;
      this.#inFlight.add(sequence, { command, deadline, windowed: !control, resolve, reject, late });
    });
  }

  /** Sends a PDU that has no answer (alert_notification, outbind). @throws codec.*, link.unavailable */
  tell<C extends "alert_notification" | "outbind">(command: C, body: Body<C>): void {
    if (this.#state.at === "closed") throw fateError("link.unavailable", "the session is closed", "not-sent");
    this.#sequence = nextSequence(this.#sequence, this.#inFlight);
    this.#write({ command, status: 0, sequence: this.#sequence, body } as Pdu<RequestCommand>);
  }

  /** Binds as an ESME; the response tells whether it was granted. @throws as {@link request} */
  async bind(mode: BindMode, body: Body<"bind_transceiver">): Promise<Pdu<ResponseCommand>> {
    const command = mode === "tx" ? "bind_transmitter" : mode === "rx" ? "bind_receiver" : "bind_transceiver";
    this.#advance({ on: "bind-sent", now: this.#deps.clock.monotonic() });
    return this.request(command, body, this.#times.bindMs);
  }

  /** The server's side of a bind: granted from now on, with this window. */
  granted(mode: BindMode, window = this.#window): void {
    this.#window = window;
    this.#advance({ on: "bound", mode });
  }

  /** Says unbind, waits for the answer (not for long) and closes. Requests in flight get their verdict first if they can. */
  async unbind(): Promise<void> {
    if (this.#state.at === "closed") return;
    const wasBound = this.#state.at === "bound";
    this.#advance({ on: "unbinding", now: this.#deps.clock.monotonic() });
    if (wasBound) await this.request("unbind", { tlvs: {} }, this.#times.unbindMs).catch(() => undefined);
    this.#close();
  }

  /** Ends the session at once. */
  destroy(error: GatewayError): void {
    this.#abort(error);
  }

  #close(error?: GatewayError): void {
    this.#output.flush();
    this.#stream.end();
    this.#end(error);
  }

  #abort(error: GatewayError): void {
    this.#end(error);
    this.#stream.destroy();
  }

  #end(error: GatewayError | undefined): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    const wasClosing = this.#state.at === "unbinding";
    this.#advance({ on: "closed" });
    const cause = error ?? new GatewayError("link.lost", reasons.unbound);
    for (const one of this.#inFlight.clear()) {
      one.reject(fateError("link.lost", "the session ended before the answer", "unknown", cause));
    }
    this.#framing = emptyFraming;
    this.#finish(error === undefined || wasClosing ? {} : { error });
  }

  #advance(event: SessionEvent): SessionAction | undefined {
    const before = this.#state;
    const { state, action } = stepSession(before, event, this.#times);
    this.#state = state;
    if (state.at !== before.at) this.onState(state);
    return action;
  }

  async #watch(): Promise<void> {
    const { bindMs, enquireMs, enquireAnswerMs, unbindMs } = this.#times;
    const shortest = Math.min(bindMs, enquireMs, enquireAnswerMs, unbindMs, this.#options.responseMs);
    const everyMs = Math.min(1_000, Math.max(5, shortest / 4));
    try {
      for (;;) {
        await this.#deps.clock.sleep(everyMs, this.#over.signal);
        this.#tick();
      }
    } catch (error) {
      if (!this.#over.signal.aborted) this.#abort(new GatewayError("link.lost", "the clock failed", { cause: error }));
    }
  }

  #tick(): void {
    const now = this.#deps.clock.monotonic();
    for (const sequence of this.#inFlight.expired(now)) {
      const one = this.#settle(sequence);
      if (one === undefined) continue;
      this.#inFlight.lapse(sequence, one);
      one.reject(fateError("link.timeout", `${one.command} was not answered in time`, "unknown"));
    }
    const action = this.#advance({ on: "tick", now, heard: this.#heard });
    if (action?.do === "enquire") void this.request("enquire_link", { tlvs: {} }).catch(() => undefined);
    if (action?.do === "close") this.#abort(new GatewayError("link.lost", reasons[action.why]));
  }

  #settle(sequence: number): OpenRequest | undefined {
    const request = this.#inFlight.take(sequence);
    if (request?.windowed) this.onRoom();
    return request;
  }

  #write(pdu: Pdu): void {
    this.#output.write(pdu, tracing() ? (bytes) => this.#trace("out", bytes) : undefined);
  }

  #trace(dir: "in" | "out", bytes: Uint8Array): void {
    if (tracing()) traceFrame({ kind: "smpp", dir, link: this.#options.link, bytes: shownPdu(bytes, this.#show[dir]) });
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over.signal.aborted) return;
    const { pdus, rest, error } = frame(this.#framing, chunk, this.#options.maxPdu ?? maxPduOctets);
    this.#framing = rest;
    if (pdus.length > 0) this.#heard = this.#deps.clock.monotonic();
    for (const pdu of pdus) {
      this.#take(pdu);
      if (this.#over.signal.aborted) return;
    }
    if (error === undefined) return;
    this.#deps.log.warn({ link: this.#options.link, peer: this.peer, ...error.detail }, "smpp stream lost");
    this.#write({ command: "generic_nack", status: status.ESME_RINVCMDLEN, sequence: 0, body: undefined });
    this.#close(new GatewayError("smsc.protocol", error.message, { detail: error.detail, cause: error }));
  }

  #take(bytes: Uint8Array): void {
    if (tracing()) this.#trace("in", bytes);
    const { id, sequence, status: code } = readHeader(bytes);
    const command = commandName(id);
    if (isResponseId(id)) {
      if (command !== undefined) this.#answered(bytes, command as ResponseCommand, code, sequence);
      return;
    }
    if (command === undefined) {
      this.#write({ command: "generic_nack", status: status.ESME_RINVCMDID, sequence, body: undefined });
      return;
    }
    try {
      const pdu = decodePdu(bytes);
      if (!isResponse(pdu)) this.#asked(pdu);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      const facts = { link: this.#options.link, peer: this.peer, command, ...error.detail };
      this.#deps.log.warn(facts, "malformed smpp pdu refused");
      if (command === "alert_notification" || command === "outbind") return;
      this.#refuse(command as RequestCommand, sequence, statusOfField(error.detail.field));
    }
  }

  #refuse(command: RequestCommand, sequence: number, code: number): void {
    this.#reply(command, sequence, { status: code });
  }

  #reply(command: RequestCommand, sequence: number, reply: Reply): void {
    if (this.#over.signal.aborted) return;
    const response = responseOf(command);
    const noId = command === "deliver_sm" || command === "data_sm" ? { messageId: "", tlvs: {} } : undefined;
    const body = reply.body ?? (noId as Body<ResponseCommand> | undefined);
    try {
      this.#write({ command: response, status: reply.status, sequence, body } as Pdu<ResponseCommand>);
    } catch (error) {
      this.#deps.log.error(
        { link: this.#options.link, command: response, error: String(error) },
        "reply not encodable",
      );
      this.#write({
        command: response,
        status: status.ESME_RSYSERR,
        sequence,
        body: undefined,
      } as Pdu<ResponseCommand>);
    }
  }

  #answered(bytes: Uint8Array, command: ResponseCommand, code: number, sequence: number): void {
    const open = this.#inFlight.take(sequence);
    const lapsed = open === undefined ? this.#inFlight.takeLapsed(sequence) : undefined;
    if (open === undefined && lapsed === undefined) {
      this.#stray(command, code, sequence);
      return;
    }
    const response = this.#readResponse(bytes, command, code, sequence);
    lapsed?.late?.(response);
    if (open === undefined) return;
    if (outOfOrderBinds.test(open.command) && this.#options.role === "esme") this.#bindAnswered(open.command, code);
    open.resolve(response);
    if (open.windowed) this.onRoom();
  }

  /** A response; one whose body cannot be read counts by its status. */
  #readResponse(bytes: Uint8Array, command: ResponseCommand, code: number, sequence: number): Pdu<ResponseCommand> {
    const bare = { command, status: code, sequence, body: undefined } as Pdu<ResponseCommand>;
    if (bytes.length === headerOctets) return bare;
    try {
      const pdu = decodePdu(bytes);
      if (isResponse(pdu)) return pdu;
    } catch (error) {
      this.#deps.log.warn({ link: this.#options.link, command, error: String(error) }, "response body not readable");
    }
    return bare;
  }

  #bindAnswered(command: RequestCommand, code: number): void {
    const mode = command === "bind_transmitter" ? "tx" : command === "bind_receiver" ? "rx" : "trx";
    if (code === 0) this.#advance({ on: "bound", mode });
    else this.#advance({ on: "bind-refused", now: this.#deps.clock.monotonic() });
  }

  /** A nack may carry any sequence number; with one request in flight it can only mean that one. */
  #stray(command: ResponseCommand, code: number, sequence: number): void {
    this.#deps.log.debug({ link: this.#options.link, command, status: code, sequence }, "response without request");
    const only = command === "generic_nack" ? this.#inFlight.only() : undefined;
    if (only === undefined) return;
    const failed = code === 0 ? status.ESME_RUNKNOWNERR : code;
    this.#settle(only)?.resolve({ command: "generic_nack", status: failed, sequence: only, body: undefined });
  }

  #asked(pdu: Pdu<RequestCommand>): void {
    const { command, sequence } = pdu;
    if (command === "enquire_link") {
      this.#reply(command, sequence, { status: 0, body: { tlvs: {} } });
      return;
    }
    if (command === "unbind") {
      this.#advance({ on: "unbinding", now: this.#deps.clock.monotonic() });
      this.#reply(command, sequence, { status: 0, body: { tlvs: {} } });
      this.#close();
      return;
    }
    if (this.#serving >= this.#options.inboundWindow) {
      this.#refuse(command, sequence, busyStatus.get(command) ?? status.ESME_RTHROTTLED);
      return;
    }
    const silent = command === "alert_notification" || command === "outbind";
    if (!silent && this.#options.role === "esme" && this.#state.at !== "bound") {
      this.#refuse(command, sequence, status.ESME_RINVBNDSTS);
      return;
    }
    void this.#serve(pdu, silent);
  }

  async #serve(pdu: Pdu<RequestCommand>, silent: boolean): Promise<void> {
    this.#serving += 1;
    try {
      const answer = this.#handler(pdu);
      const reply = answer instanceof Promise ? await answer : answer;
      if (!silent) this.#reply(pdu.command, pdu.sequence, reply);
    } catch (error) {
      this.#deps.log.error({ link: this.#options.link, command: pdu.command, error: String(error) }, "request failed");
      if (!silent) this.#refuse(pdu.command, pdu.sequence, busyStatus.get(pdu.command) ?? status.ESME_RSYSERR);
    } finally {
      this.#serving -= 1;
    }
  }
}
