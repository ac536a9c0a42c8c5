import { detach } from "../../base/detach.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { Body } from "../../codec/smpp/bodies.ts";
import { emptyFraming, type Framing, frame, maxPduOctets } from "../../codec/smpp/framer.ts";
import {
  commandName,
  decodePdu,
  isResponse,
  isResponseId,
  type Pdu,
  type RequestCommand,
  type ResponseCommand,
  readHeader,
  responseOf,
} from "../../codec/smpp/pdu.ts";
import { status, statusOfField } from "../../codec/smpp/status.ts";
import { FaultCount } from "./fault-count.ts";
import { InFlight } from "./in-flight.ts";
import { InboundRequests } from "./inbound-requests.ts";
import { PduOutput } from "./pdu-output.ts";
import { ReadGate } from "./read-gate.ts";
import { readResponse } from "./read-response.ts";
import { nextSequence } from "./sequence.ts";
import type { Reply, RequestHandler, SessionDeps, SessionEnd, SessionOptions } from "./session-contract.ts";
import { endReasons, failedStatus, failureStatus, isBind, isControl, isSilent, mayAnswer } from "./session-rules.ts";
import {
  type BindMode,
  type SessionAction,
  type SessionEvent,
  type SessionState,
  type SessionTimes,
  sessionTimes,
  stepSession,
} from "./session-state.ts";
import { SessionTrace } from "./session-trace.ts";
import { fateError } from "./status-error.ts";
import type { SmppStream } from "./stream.ts";

/**
 * One SMPP session over one stream, from either side. It cuts the stream into PDUs, matches responses by sequence
 * number, keeps the window, answers enquire_link and unbind, and gives every request of ours a verdict: a response, or
 * an error with `fate`. It never throws at its stream and ends once, by {@link SmppSession.ended}.
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
  readonly #trace: SessionTrace;
  readonly #output: PduOutput;
  readonly #over = new AbortController();
  #finish: (end: SessionEnd) => void = () => {};
  #state: SessionState;
  #framing: Framing = emptyFraming;
  #sequence: number;
  readonly #requests: InboundRequests;
  readonly #faults: FaultCount;
  readonly #early: FaultCount;
  #window: number;
  #lastReceivedAt: number;
  /** The peer's unbind was answered; its outstanding responses are awaited. */
  #leaving = false;

  constructor(stream: SmppStream, handler: RequestHandler, options: SessionOptions, deps: SessionDeps) {
    this.#stream = stream;
    const gate = new ReadGate(stream);
    this.#output = new PduOutput(stream, gate, () => this.onRoom());
    this.#requests = new InboundRequests(options.inboundWindow, gate, (pdu) => this.#serve(pdu));
    const early = options.mayTraceEarly ?? (() => true);
    this.#trace = new SessionTrace(options.link, () => this.#state.at === "bound" || early());
    this.#faults = new FaultCount(options.maxFaults ?? Number.POSITIVE_INFINITY, deps.clock);
    this.#early = new FaultCount(options.maxEarlyPdus ?? Number.POSITIVE_INFINITY, deps.clock);
    this.#handler = handler;
    this.#options = options;
    this.#deps = deps;
    this.#times = { ...sessionTimes, ...options.times };
    this.#sequence = options.sequence ?? 0;
    this.#window = options.window;
    this.#lastReceivedAt = deps.clock.monotonic();
    this.#state = { at: "open", since: this.#lastReceivedAt };
    this.peer = stream.peer;
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
    stream.start({
      data: (chunk) => this.#receive(chunk),
      drained: () => this.#output.drained(),
      closed: (error) => this.#end(new GatewayError("link.lost", "the peer closed the connection", { cause: error })),
    });
    detach(this.#watch(), (error) => this.#abort(error));
  }

  get state(): SessionState {
    return this.#state;
  }

  get #facts() {
    return { link: this.#options.link, peer: this.peer };
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
   * Sends a request and waits for its response, regardless of its status. `late` receives a response that arrives after
   * the request was abandoned.
   * @throws codec.* (nothing was sent), link.unavailable, link.queue-full, link.timeout, link.lost; all with `fate`
   */
  request<C extends RequestCommand>(
    command: C,
    body: Body<C>,
    responseMs = this.#options.responseMs,
    late?: (pdu: Pdu<ResponseCommand>) => void,
  ): Promise<Pdu<ResponseCommand>> {
    const control = isControl(command);
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
      return Promise.reject(error.with({ fate: "not-sent" }));
    }
    this.#sequence = sequence;
    return new Promise((resolve, reject) => {
      const deadline = this.#deps.clock.monotonic() + responseMs;
      this.#inFlight.add(sequence, { command, deadline, windowed: !control, resolve, reject, late });
    });
  }

  /** Sends a PDU that has no answer (alert_notification, outbind). @throws codec.*, link.unavailable */
  sendUnanswered<C extends "alert_notification" | "outbind">(command: C, body: Body<C>): void {
    if (this.#state.at === "closed") throw fateError("link.unavailable", "the session is closed", "not-sent");
    this.#sequence = nextSequence(this.#sequence, this.#inFlight);
    this.#write({ command, status: 0, sequence: this.#sequence, body } as Pdu<RequestCommand>);
  }

  /** Binds as an ESME; the response indicates whether it was granted. @throws as {@link request} */
  async bind(mode: BindMode, body: Body<"bind_transceiver">): Promise<Pdu<ResponseCommand>> {
    const command = mode === "tx" ? "bind_transmitter" : mode === "rx" ? "bind_receiver" : "bind_transceiver";
    this.#advance({ on: "bind-sent", now: this.#deps.clock.monotonic() });
    return this.request(command, body, this.#times.bindMs);
  }

  /** The server's side of a bind: granted from now on, with this window. The peer may have `inbound` requests open. */
  granted(mode: BindMode, window = this.#window, inbound = 1): void {
    this.#window = window;
    this.#requests.widen(inbound);
    this.#advance({ on: "bound", mode });
  }

  /** Sends unbind, waits briefly for the answer, and closes. Requests in flight get their verdict first if possible. */
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
    const cause = error ?? new GatewayError("link.lost", endReasons.unbound);
    for (const one of this.#inFlight.clear()) {
      one.reject(fateError("link.lost", "the session ended before the response", "unknown", cause));
    }
    this.#framing = emptyFraming;
    this.#requests.clear();
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
    const { enquireMisses: _, ...times } = { ...this.#times, responseMs: this.#options.responseMs };
    const everyMs = Math.min(1_000, ...Object.values(times).map((ms) => Math.max(5, ms / 4)));
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
      const one = this.#inFlight.take(sequence);
      if (one === undefined) continue;
      if (one.windowed) this.onRoom();
      this.#inFlight.lapse(sequence, one);
      one.reject(fateError("link.timeout", `${one.command} was not answered in time`, "unknown"));
    }
    // While requests wait, silence is due to this side, which does not read.
    if (this.#requests.holding) this.#lastReceivedAt = now;
    const action = this.#advance({ on: "tick", now, receivedAt: this.#lastReceivedAt });
    if (action?.do === "enquire") detach(this.request("enquire_link", { tlvs: {} }), () => undefined);
    if (action?.do === "close") this.#abort(new GatewayError("link.lost", endReasons[action.why]));
  }

  #write(pdu: Pdu): void {
    this.#output.write(pdu, this.#trace.watched ? (bytes) => this.#trace.pdu("out", bytes) : undefined);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over.signal.aborted) return;
    const { maxPdu = maxPduOctets, maxEarlyOctets = maxPdu } = this.#options;
    const limit = this.#state.at === "bound" ? maxPdu : maxEarlyOctets;
    const { pdus, rest, error } = frame(this.#framing, chunk, limit);
    this.#framing = rest;
    if (pdus.length > 0) this.#lastReceivedAt = this.#deps.clock.monotonic();
    for (const pdu of pdus) {
      this.#take(pdu);
      if (this.#over.signal.aborted) return;
    }
    if (error === undefined) return;
    this.#deps.log.warn({ ...this.#facts, ...error.detail }, "SMPP framing lost");
    this.#write({ command: "generic_nack", status: status.ESME_RINVCMDLEN, sequence: 0, body: undefined });
    this.#close(new GatewayError("smsc.protocol", error.message, { detail: error.detail, cause: error }));
  }

  #take(bytes: Uint8Array): void {
    if (this.#trace.watched) this.#trace.pdu("in", bytes);
    const { id, sequence, status: code } = readHeader(bytes);
    const command = commandName(id);
    if (this.#state.at !== "bound" && !this.#early.bear()) {
      this.#close(new GatewayError("smsc.protocol", "too many PDUs without a bind"));
      return;
    }
    if (isResponseId(id)) {
      if (command !== undefined) this.#answered(bytes, command as ResponseCommand, code, sequence);
      return;
    }
    if (command === undefined) {
      this.#write({ command: "generic_nack", status: status.ESME_RINVCMDID, sequence, body: undefined });
      this.#faulty();
      return;
    }
    try {
      const pdu = decodePdu(bytes);
      if (!isResponse(pdu)) this.#asked(pdu);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      const facts = { ...this.#facts, command, ...error.detail };
      this.#deps.log.warn(facts, "malformed SMPP PDU refused");
      if (!isSilent(command as RequestCommand))
        this.#refuse(command as RequestCommand, sequence, statusOfField(error.detail.field));
      this.#faulty();
    }
  }

  #faulty(): void {
    if (!this.#faults.bear()) this.#close(new GatewayError("smsc.protocol", "too many malformed PDUs"));
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
        { ...this.#facts, command: response, error: String(error) },
        "the response cannot be encoded",
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
    const asked = this.#inFlight.commandOf(sequence);
    if (asked === undefined || !mayAnswer(asked, command)) {
      this.#stray(command, code, sequence);
      return;
    }
    const open = this.#inFlight.take(sequence);
    const lapsed = open === undefined ? this.#inFlight.takeLapsed(sequence) : undefined;
    const { pdu: response, problem } = readResponse(bytes, { command, status: failedStatus(command, code), sequence });
    if (problem !== undefined) this.#deps.log.warn({ ...this.#facts, command, problem }, "unreadable SMPP response");
    lapsed?.late?.(response);
    if (open === undefined) return;
    if (isBind(open.command) && this.#options.role === "esme") this.#bindAnswered(open.command, code);
    open.resolve(response);
    if (open.windowed) this.onRoom();
    if (this.#leaving && this.#inFlight.size === 0) this.#close();
  }

  #bindAnswered(command: RequestCommand, code: number): void {
    const mode = command === "bind_transmitter" ? "tx" : command === "bind_receiver" ? "rx" : "trx";
    if (code === 0) this.#advance({ on: "bound", mode });
    else this.#advance({ on: "bind-refused", now: this.#deps.clock.monotonic() });
  }

  /** A nack may carry any sequence number; if exactly one request is in flight, it answers that one. */
  #stray(command: ResponseCommand, code: number, sequence: number): void {
    this.#deps.log.debug({ ...this.#facts, command, status: code, sequence }, "SMPP response without a request");
    const only = command === "generic_nack" ? this.#inFlight.only() : undefined;
    if (only === undefined) return;
    const nack = { command: "generic_nack", status: failedStatus("generic_nack", code), sequence: only } as const;
    this.#inFlight.take(only)?.resolve({ ...nack, body: undefined });
    this.onRoom();
  }

  #asked(pdu: Pdu<RequestCommand>): void {
    const { command, sequence } = pdu;
    if (command === "enquire_link") {
      this.#reply(command, sequence, { status: 0, body: { tlvs: {} } });
      return;
    }
    if (command === "unbind") {
      detach(this.#unboundByPeer(sequence), (error) => this.#abort(error));
      return;
    }
    const early = this.#options.role === "esme" ? this.#state.at !== "bound" : this.#state.at === "unbinding";
    if (early && !isSilent(command)) this.#refuse(command, sequence, status.ESME_RINVBNDSTS);
    else this.#requests.take(pdu);
  }

  /** Answers earlier requests, then the unbind, and waits briefly for the peer's outstanding responses. */
  async #unboundByPeer(sequence: number): Promise<void> {
    this.#advance({ on: "unbinding", now: this.#deps.clock.monotonic() });
    await this.#requests.idle();
    this.#reply("unbind", sequence, { status: 0, body: { tlvs: {} } });
    this.#leaving = true;
    if (this.#inFlight.size === 0 && !this.#over.signal.aborted) this.#close();
  }

  async #serve(pdu: Pdu<RequestCommand>): Promise<void> {
    const silent = isSilent(pdu.command);
    try {
      const answer = this.#handler(pdu);
      const reply = answer instanceof Promise ? await answer : answer;
      if (!silent) this.#reply(pdu.command, pdu.sequence, reply);
      if (reply.last === true) this.#close();
    } catch (error) {
      this.#deps.log.error({ ...this.#facts, command: pdu.command, error: String(error) }, "SMPP request failed");
      if (!silent) this.#refuse(pdu.command, pdu.sequence, failureStatus(pdu.command));
    }
  }
}
