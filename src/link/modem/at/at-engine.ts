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
  commandFacts,
  enqueue,
  goneError,
  type Pending,
  requestFacts,
  resultError,
} from "./at-request.ts";
import { type Cause, isOrphan, limitOf, outcome, plainFacts, type SettledAs, textOf } from "./command-outcome.ts";
import { type CommandEffect, type CommandEvent, type CommandState, queued, stepCommand } from "./command-step.ts";
import { type AtEngineDeps, patience, type RunOptions } from "./engine-contract.ts";
import { LineReader } from "./line-reader.ts";
import { LineRecovery } from "./line-recovery.ts";
import { type LineRole, LineRouter, openLines } from "./line-router.ts";
import { LineTrace } from "./line-trace.ts";

const esc = "\x1b";

/**
 * Speaks AT over one port: one command in flight, answers and unsolicited lines separated, the line resynchronized
 * after a timeout. One engine per opened port; when the port ends, so does the engine.
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
  #resolveDone: (reason: GatewayError) => void = noop;
  /** Resolves with the reason when the port is gone, the modem stops responding, or the engine was disposed. */
  readonly done: Promise<GatewayError> = new Promise((resolve) => {
    this.#resolveDone = resolve;
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
      answeredLate: (pending, final) => this.#feed(pending, { kind: "final" }, { final }),
      unanswered: (pending) => this.#feed(pending, { kind: "timeout", own: false }, {}),
      answered: (final) => this.#deps.observe?.({ kind: "end", line: "AT", result: bareResult(final) }),
      ended: (inStep) => {
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
  get lastReceivedAt(): number {
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

  /** Sends only commands of urgency `init` until {@link resume}: the modem lost its state and is being set up. */
  hold(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#pump();
  }

  /**
   * Runs a declared command and reads its answer. @throws modem.cme, modem.cms (and -permanent), modem.refused,
   * modem.timeout, modem.reset, modem.absent, link.lost, codec.text for a malformed answer. `fate` indicates whether a
   * body may have been sent.
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

  /**
   * Sends a line unchanged and resolves with its final result, whatever it is. @throws modem.timeout, modem.reset,
   * modem.absent, link.lost
   */
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
        state: queued,
        facts: plainFacts,
        stopTimer: noop,
        release: noop,
      };
      if (signal !== undefined) {
        const onAbort = () => this.#feed(pending, { kind: "abort" }, { abortedBy: signal.reason });
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
    next.facts = commandFacts(next.request, this.#profile.quirks);
    this.#feed(next, { kind: "start" }, nothing);
  }

  /** Advances a command by one event and performs the effects. */
  #feed(pending: Pending, event: CommandEvent, cause: Cause): void {
    const before = pending.state;
    const { state, effects } = stepCommand(before, event, pending.facts);
    pending.state = state;
    if ((state.at === "ended" || state.at === "late") && this.#open === pending) this.#open = undefined;
    for (const effect of effects) this.#perform(pending, before, effect, cause);
  }

  #perform(pending: Pending, before: CommandState, effect: CommandEffect, cause: Cause): void {
    switch (effect.do) {
      case "write":
        this.#write(textOf(effect.what, pending.request));
        break;
      case "limit":
        this.#limit(pending, limitOf(effect.by, pending.request));
        break;
      case "delay-body":
        this.#timers.after(patience.slowBodyMs, () => this.#feed(pending, { kind: "body-due" }, nothing));
        break;
      case "release":
        this.#release(pending, before, effect.withdrawn, cause);
        break;
      case "settle":
        this.#settle(pending, before, effect.as, cause);
        break;
      case "recover":
        this.#recovery.begin(effect.atPrompt, effect.awaitLate ? pending : undefined);
        break;
      case "next":
        if (effect.soon) this.#timers.after(0, () => this.#pump());
        else this.#pump();
    }
  }

  #limit(pending: Pending, ms: number): void {
    pending.stopTimer();
    pending.stopTimer = this.#timers.after(ms, () =>
      this.#feed(pending, { kind: "timeout", own: pending.lines.own }, {}),
    );
  }

  #release(pending: Pending, before: CommandState, withdrawn: boolean, { abortedBy }: Cause): void {
    const facts = { ...requestFacts(pending, before), cause: abortedBy };
    pending.reject(withdrawn ? abortedBy : new GatewayError("modem.aborted", "the command was aborted", facts));
    if (withdrawn) this.#queue.splice(this.#queue.indexOf(pending), 1);
  }

  #settle(pending: Pending, before: CommandState, as: SettledAs, cause: Cause): void {
    pending.stopTimer();
    pending.release();
    this.#stopBoot();
    this.#stopBoot = noop;
    const late = as === "late-answer";
    const sorted = late || as === "answer" || as === "success" ? this.#sort(pending, late) : undefined;
    const result = outcome(pending, before, as, cause, sorted?.info ?? []);
    this.#deps.observe?.({ kind: "end", line: pending.request.line, result });
    if (!isOrphan(before)) {
      if (result instanceof GatewayError) pending.reject(result);
      else pending.resolve(result);
    }
    if (!late) for (const urc of sorted?.strays ?? []) this.#unsolicited(urc);
  }

  /** Sorts the lines that are ambiguous until the command ends. */
  #sort({ lines }: Pending, late: boolean): ReturnType<LineRouter["settle"]> {
    const sorted = this.#router.settle(lines);
    for (const text of late ? [] : lines.doubtful) {
      const role = sorted.strays.some((urc) => urc.text === text) ? "urc" : "info";
      this.#deps.observe?.({ kind: "decided", role, text });
    }
    return sorted;
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
    const awaiting = this.#open?.state.at === "sent" && this.#open.facts.body;
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
      else if (this.#open !== undefined) this.#feed(this.#open, { kind: "final" }, { final });
      return;
    }
    if (recovering && late) this.#recovery.lateLine();
    const pending = this.#open;
    if (pending !== undefined && open?.own === true) this.#feed(pending, { kind: "own-line" }, nothing);
    if (urc !== undefined) this.#unsolicited(urc);
  }

  /** A text of several lines did not continue: it was not such a text, or has no proper end. */
  #textEnded(final: AtFinal | undefined): void {
    const { urc } = this.#router.endText();
    if (final !== undefined && this.#recovery.running) this.#recovery.final(final);
    else if (final !== undefined && this.#open !== undefined) this.#feed(this.#open, { kind: "final" }, { final });
    if (urc !== undefined) this.#unsolicited(urc);
  }

  #prompt(): void {
    this.#saw("prompt", "> ");
    if (this.#open === undefined) this.#write(esc);
    else this.#feed(this.#open, { kind: "prompt" }, nothing);
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

  /** The module restarted: earlier commands get no answer. */
  #restarted(banner: string): void {
    this.#stopBoot();
    this.#recovery.stop();
    if (this.#open !== undefined) this.#feed(this.#open, { kind: "restarted" }, { banner });
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
    const waiting = this.#queue.splice(0);
    for (const pending of this.#open === undefined ? waiting : [this.#open, ...waiting])
      this.#feed(pending, { kind: "gone" }, { reason });
    this.#stopBoot();
    this.#resolveDone(reason);
  }
}

const nothing: Cause = {};

function noop(): void {}
