import { detach } from "../../../base/detach.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { AtCommand } from "../../../codec/at/command.ts";
import type { AtToken } from "../../../codec/at/line.ts";
import { publicLine } from "../../../codec/at/line-name.ts";
import { type AtFinal, numericResult } from "../../../codec/at/result.ts";
import type { Urc } from "../../../codec/at/urc.ts";
import type { ModemProfile } from "../profile/profile.ts";
import { systemTimers, type Timers } from "../timers.ts";
import {
  type AtRequest,
  type AtResult,
  bareResult,
  enqueue,
  goneError,
  type Pending,
  requestFacts,
  resultError,
} from "./at-request.ts";
import { type AtEngineDeps, patience, type RunOptions } from "./engine-contract.ts";
import { LineReader } from "./line-reader.ts";
import { LineRecovery, timeoutError } from "./line-recovery.ts";
import { type LineRole, LineRouter, openLines } from "./line-router.ts";
import { LineTrace } from "./line-trace.ts";

const ctrlZ = "\x1a";
const esc = "\x1b";

/**
 * Speaks AT over one port: one command in flight, answers and unsolicited lines separated, the line brought back in
 * step after a timeout. One engine per opened port; when the port ends, so does the engine.
 */
export class AtEngine implements AsyncDisposable {
  readonly #deps: AtEngineDeps;
  readonly #timers: Timers;
  readonly #router: LineRouter;
  #profile: ModemProfile;
  readonly #queue: Pending[] = [];
  readonly #urcListeners = new Set<(urc: Urc) => void>();
  readonly #reader: LineReader;
  #open: Pending | undefined;
  readonly #recovery: LineRecovery;
  #stopText = noop;
  #stopBoot = noop;
  #held = false;
  #ended: GatewayError | undefined;
  readonly #trace: LineTrace;
  #lastHeard = 0;
  #tellDone: (reason: GatewayError) => void = noop;
  /** Resolves with the reason when the port is gone, the modem stops responding, or the engine was disposed. */
  readonly done: Promise<GatewayError> = new Promise((resolve) => {
    this.#tellDone = resolve;
  });

  constructor(deps: AtEngineDeps) {
    this.#deps = deps;
    this.#profile = deps.profile;
    this.#trace = new LineTrace(deps.link);
    this.#timers = deps.timers ?? systemTimers;
    this.#reader = new LineReader(this.#timers, (token) => this.#token(token));
    this.#router = new LineRouter((text) => this.#profile.urcs.find(text));
    this.#recovery = new LineRecovery({
      timers: this.#timers,
      patienceMs: () => this.#profile.timeoutsMs.resync,
      write: (text) => this.#write(text),
      sort: (lines) => this.#router.settle(lines).info,
      settle: (pending, result) => this.#settle(pending, result),
      answered: (final) => this.#deps.observe?.({ kind: "end", line: "AT", result: bareResult(final) }),
      over: (inStep) => {
        if (inStep) this.#pump();
        else this.#end(new GatewayError("modem.timeout", "the modem stopped responding", { fate: "not-sent" }));
      },
    });
    detach(this.#read(), (error) => this.#lost(error));
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** Commands waiting or in flight. */
  get backlog(): number {
    return this.#queue.length + (this.#open === undefined ? 0 : 1);
  }

  /** `performance.now()` of the last octets received; 0 before the first. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  get profile(): ModemProfile {
    return this.#profile;
  }

  /** The modem was identified: its own URCs, limits and quirks apply from now on. */
  use(profile: ModemProfile): void {
    this.#profile = profile;
  }

  /** Listens to unsolicited lines, in order of arrival; the returned function ends it. */
  onUrc(listener: (urc: Urc) => void): () => void {
    this.#urcListeners.add(listener);
    return () => void this.#urcListeners.delete(listener);
  }

  /** Lets only commands of urgency `init` through, until {@link resume}: state was lost and is being set up. */
  hold(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#pump();
  }

  /**
   * Runs a declared command and reads its answer.
   * @throws modem.cme, modem.cms (and -permanent), modem.refused, modem.timeout, modem.reset, modem.absent, link.lost,
   * codec.text for an answer that is not what it should be. `fate` indicates whether a body can have left.
   */
  async run<A, R>(declaration: AtCommand<A, R>, arg: A, options: RunOptions = {}): Promise<R> {
    const line = declaration.line(arg);
    const body = declaration.body?.(arg);
    const { timeoutsMs } = this.#profile;
    const limit = options.timeoutMs ?? timeoutsMs[declaration.budget];
    const result = await this.send(
      {
        line,
        expects: declaration.reply,
        timeoutMs: body === undefined ? limit : timeoutsMs.prompt,
        ...(body === undefined ? {} : { body, bodyTimeoutMs: limit, acceptLate: true }),
        ...(declaration.abortable === true ? { abortable: true } : {}),
      },
      options,
    );
    const error = resultError(line, result);
    if (error !== undefined) throw error;
    if (body !== undefined && !result.bodySent) {
      const command = publicLine(line);
      const facts = { detail: { command }, fate: "not-sent" } as const;
      throw new GatewayError("modem.refused", `${command}: the modem sent no prompt`, facts);
    }
    return declaration.reply.read(result.info);
  }

  /** Sends a line as it is and resolves with whatever final result comes. @throws modem.timeout, modem.reset, modem.absent, link.lost */
  send(request: AtRequest, { signal, urgency = "normal" }: RunOptions = {}): Promise<AtResult> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(goneError(this.#ended));
      if (signal?.aborted) return reject(signal.reason);
      const pending: Pending = {
        request,
        urgency,
        resolve,
        reject,
        lines: openLines(request.line, request.expects, request.body),
        stage: "queued",
        promptSeen: false,
        cancelled: false,
        orphan: false,
        stopTimer: () => {},
        release: () => {},
      };
      if (signal !== undefined) {
        const onAbort = () => this.#abort(pending, signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        pending.release = () => signal.removeEventListener("abort", onAbort);
      }
      enqueue(this.#queue, pending);
      this.#pump();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new GatewayError("modem.absent", "the modem's port was closed"));
    await this.#deps.port[Symbol.asyncDispose]();
  }

  #pump(): void {
    if (this.#open !== undefined || this.#recovery.running || this.#ended !== undefined) return;
    const next = this.#queue[0];
    if (next === undefined || (this.#held && next.urgency !== "init")) return;
    this.#queue.shift();
    this.#open = next;
    next.stage = "sent";
    const { request } = next;
    const inline = request.body !== undefined && (request.inline ?? this.#profile.quirks.has("pdu-inline"));
    if (inline) {
      next.stage = "body-sent";
      this.#write(`${request.line}\r${request.body}${ctrlZ}`);
    } else {
      this.#write(`${request.line}\r`);
    }
    this.#limit(next, inline ? (request.bodyTimeoutMs ?? request.timeoutMs) : request.timeoutMs);
  }

  #limit(pending: Pending, ms: number): void {
    pending.stopTimer();
    pending.stopTimer = this.#timers.after(ms, () => this.#timedOut(pending));
  }

  #write(text: string): void {
    this.#trace.line("out", text);
    this.#deps.port.write(Buffer.from(text, "latin1")).catch((error: unknown) => this.#lost(error));
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#deps.port.incoming) this.#take(chunk);
      this.#lost(undefined);
    } catch (error) {
      this.#lost(error);
    }
  }

  #take(chunk: Uint8Array): void {
    this.#lastHeard = performance.now();
    const awaiting = this.#open?.request.body !== undefined && this.#open.stage === "sent";
    this.#reader.take(chunk, awaiting);
  }

  #token(token: AtToken): void {
    if (token.kind === "prompt") this.#prompt();
    else if (token.kind === "garbage") this.#saw("garbage", token.text);
    else if (token.kind === "line") this.#incoming(token.text, token.text);
    else this.#incoming(numericResult(token.code) ?? String(token.code), String(token.code));
  }

  #saw(role: LineRole, text: string): void {
    this.#trace.line("in", text, role);
    this.#deps.observe?.({ kind: "line", role, text });
  }

  #incoming(text: string, raw: string): void {
    const recovering = this.#recovery.running;
    const open = recovering ? this.#recovery.lines() : this.#open?.lines;
    const { role, final, urc, unsure } = this.#router.route(text, open);
    this.#stopText();
    if (unsure !== undefined)
      this.#stopText = this.#timers.after(patience.textPauseMs, () => this.#textEnded(unsure.final));
    const late = recovering ? this.#recovery.isLate(role) : this.#open === undefined && role === "final";
    this.#saw(late ? "late" : role, raw);
    if (role === "final" && final !== undefined) {
      if (recovering) this.#recovery.final(final);
      else this.#finish(final);
      return;
    }
    if (recovering && late) this.#recovery.heard();
    const pending = this.#open;
    if (pending !== undefined && open?.own === true && pending.request.expects?.lone === true) {
      this.#limit(pending, patience.loneAnswerMs);
    }
    if (urc !== undefined) this.#unsolicited(urc);
  }

  /** A text of several lines did not go on: it was no such text, or is not ended properly. */
  #textEnded(final: AtFinal | undefined): void {
    const { urc } = this.#router.endText();
    if (final !== undefined && this.#recovery.running) this.#recovery.final(final);
    else if (final !== undefined) this.#finish(final);
    if (urc !== undefined) this.#unsolicited(urc);
  }

  #finish(final: AtFinal, pending = this.#open): void {
    if (pending === undefined) return;
    this.#open = undefined;
    const { info, strays } = this.#router.settle(pending.lines);
    for (const text of pending.lines.doubtful) {
      const role = strays.some((urc) => urc.text === text) ? "urc" : "info";
      this.#deps.observe?.({ kind: "decided", role, text });
    }
    const { promptSeen, cancelled, stage } = pending;
    this.#settle(pending, { final, info, promptSeen, cancelled, bodySent: stage === "body-sent" });
    for (const urc of strays) this.#unsolicited(urc);
    this.#pump();
  }

  #settle(pending: Pending, result: AtResult | GatewayError): void {
    pending.stopTimer();
    pending.release();
    this.#stopBoot();
    this.#stopBoot = noop;
    this.#deps.observe?.({ kind: "end", line: pending.request.line, result });
    if (pending.orphan) return;
    if (result instanceof GatewayError) pending.reject(result);
    else pending.resolve(result);
  }

  #prompt(): void {
    this.#saw("prompt", "> ");
    const pending = this.#open;
    if (pending === undefined || pending.request.body === undefined || pending.stage !== "sent" || pending.orphan) {
      if (pending !== undefined) pending.cancelled = true;
      this.#write(esc);
      return;
    }
    pending.promptSeen = true;
    const body = pending.request.body;
    const send = () => {
      if (this.#open !== pending || pending.orphan) return;
      pending.stage = "body-sent";
      this.#write(body + (pending.request.bodyEnd ?? ctrlZ));
      this.#limit(pending, pending.request.bodyTimeoutMs ?? pending.request.timeoutMs);
    };
    if (this.#profile.quirks.has("slow-body")) this.#timers.after(50, send);
    else send();
  }

  #unsolicited(urc: Urc): void {
    const open = this.#open;
    const expected = open?.lines.shape.names.includes("+CFUN") === true;
    if (urc.event === "boot") this.#restarted(urc.text);
    if (urc.event === "boot-sign" && open !== undefined && !expected) {
      this.#stopBoot();
      this.#stopBoot = this.#timers.after(patience.bootGraceMs, () => this.#open === open && this.#restarted(urc.text));
    }
    for (const listener of this.#urcListeners) listener(urc);
  }

  /** The module started again: nothing it was asked before will be answered. */
  #restarted(banner: string): void {
    this.#stopBoot();
    this.#recovery.stop();
    const pending = this.#open;
    if (pending === undefined) return;
    this.#open = undefined;
    const { detail, fate } = requestFacts(pending);
    const facts = { detail: { ...detail, banner }, fate };
    this.#settle(pending, new GatewayError("modem.reset", `the modem restarted (${banner}) during the command`, facts));
    this.#timers.after(0, () => this.#pump());
  }

  #abort(pending: Pending, reason: unknown): void {
    if (pending.stage === "queued") {
      const at = this.#queue.indexOf(pending);
      if (at >= 0) this.#queue.splice(at, 1);
      pending.reject(reason);
      return;
    }
    if (pending.orphan) return;
    const facts = { ...requestFacts(pending), cause: reason };
    pending.orphan = true;
    pending.reject(new GatewayError("modem.aborted", "the command was aborted", facts));
    if (this.#open !== pending) return;
    if (pending.request.body !== undefined && pending.stage === "sent") {
      pending.cancelled = true;
      if (pending.promptSeen) this.#write(esc);
    } else if (pending.request.abortable === true) {
      this.#write("\r");
    }
  }

  #timedOut(pending: Pending): void {
    if (this.#open !== pending) return;
    this.#open = undefined;
    if (pending.request.tentative === true) {
      this.#settle(pending, timeoutError(pending));
      this.#pump();
      return;
    }
    if (pending.lines.own && pending.request.expects?.lines === "one") {
      this.#recovery.begin(false, undefined);
      this.#finish({ kind: "ok", text: "" }, pending);
      return;
    }
    const late = pending.request.acceptLate === true && pending.stage === "body-sent";
    if (!late) this.#settle(pending, timeoutError(pending));
    this.#recovery.begin(pending.request.body !== undefined && pending.stage === "sent", late ? pending : undefined);
  }

  #lost(cause: unknown): void {
    if (cause instanceof GatewayError) this.#end(cause);
    else this.#end(new GatewayError("link.lost", "the modem's port was disconnected", { cause }));
  }

  #end(reason: GatewayError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#reader.stop();
    this.#stopText();
    this.#recovery.stop();
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) this.#settle(open, goneError(reason, open));
    for (const pending of this.#queue.splice(0)) this.#settle(pending, goneError(reason, pending));
    this.#stopBoot();
    this.#tellDone(reason);
  }
}

function noop(): void {}
