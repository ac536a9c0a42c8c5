import { GatewayError } from "../../../src/base/gateway-error.ts";
import { latin1 } from "../../../src/codec/at/line.ts";
import { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import type { EngineEvent } from "../../../src/link/modem/at/engine-contract.ts";
import { isEnded, type Transcript } from "../../../src/link/modem/at/transcript.ts";
import type { ModemProfile } from "../../../src/link/modem/profile/profile.ts";
import type { Timers } from "../../../src/link/modem/timers.ts";
import type { Port } from "../../../src/link/port.ts";

/** How one command of a transcript ended. */
interface PlayedCommand {
  readonly line: string;
  readonly final: "OK" | "ERROR" | "CME" | "CMS" | "CONNECT" | "CALL" | "TIMEOUT" | "RESET" | "LOST";
  readonly code?: number;
  readonly info: readonly string[];
  readonly promptSeen: boolean;
  readonly cancelled: boolean;
}

/** What the engine made of a transcript. */
interface Playback {
  readonly lines: readonly (readonly [role: string, text: string])[];
  readonly commands: readonly PlayedCommand[];
  /** Where what was written differs from what was recorded; empty when the replay is byte-exact. */
  readonly differences: readonly string[];
}

const never = 900_000_000;
const ctrlZ = "\x1a";
const esc = "\x1b";

/** As long as the engine waits before it writes a body to a modem that loses octets otherwise. */
const slowBodyMs = 50;

/** Replays a recorded dialog through a real engine on virtual time: the modem's part is fed, the host's part compared. */
export async function playTranscript(transcript: Transcript, profile: ModemProfile): Promise<Playback> {
  const player = new Player(profile);
  for (const [index, step] of transcript.steps.entries()) {
    player.at(index);
    if (step.kind === "sent") await player.sent(step.text, entryAfter(transcript, index));
    else if (step.kind === "received") await player.received(step.text);
    else if (step.kind === "delay") await player.delay(step.ms);
    else if (step.kind === "event") await player.event(step.name);
  }
  return player.finish();
}

/** What is entered at the prompt of the command at `index`: all pieces up to Ctrl-Z or ESC, or to where it breaks off. */
function entryAfter({ steps }: Transcript, index: number): string {
  let entry = "";
  for (const step of steps.slice(index + 1)) {
    if (step.kind === "event") break;
    if (step.kind !== "sent") continue;
    if (/[\r\n]$/.test(step.text) || /^at[^\r]*\r/i.test(step.text)) break;
    entry += step.text;
    if (isEnded(step.text)) break;
  }
  return entry;
}

class Player {
  readonly #profile: ModemProfile;
  readonly #timers = new VirtualTimers();
  readonly #lines: [string, string][] = [];
  readonly #commands: PlayedCommand[] = [];
  readonly #differences: string[] = [];
  #port = new ScriptedPort();
  #engine: AtEngine;
  #deadline = 0;
  #step = 0;
  /** What the record still has of a data entry, and what the engine wrote of it already. */
  #entry = "";
  #body = "";

  constructor(profile: ModemProfile) {
    this.#profile = profile;
    this.#engine = this.#start();
  }

  /** Where in the record the next step stands, for what is said of differences. */
  at(step: number): void {
    this.#step = step;
  }

  #start(): AtEngine {
    this.#entry = "";
    this.#port = new ScriptedPort();
    const observe = (event: EngineEvent) => this.#observe(event);
    return new AtEngine({
      port: this.#port,
      link: "transcript",
      profile: this.#profile,
      timers: this.#timers,
      observe,
    });
  }

  async sent(text: string, entry: string): Promise<void> {
    await turn();
    if (this.#entry !== "" && this.#entry.startsWith(text)) return this.#piece(text);
    if (this.#engine.backlog > 0 && !text.startsWith(esc)) await this.event("timeout");
    const already = this.#port.takeWritten();
    if (already === "" && !text.startsWith(esc)) this.#command(text, entry);
    await turn();
    this.#compare(already + this.#port.takeWritten(), text);
  }

  /** The engine writes a body as a whole; the record may have it in pieces, or break off in the middle of it. */
  async #piece(text: string): Promise<void> {
    this.#body += this.#port.takeWritten();
    if (this.#body === "") await this.#timers.advance(slowBodyMs);
    this.#body += this.#port.takeWritten();
    this.#compare(this.#body.slice(0, text.length), text);
    this.#body = this.#body.slice(text.length);
    this.#entry = this.#entry.slice(text.length);
  }

  #command(text: string, entry: string): void {
    const inline = text.endsWith(ctrlZ) ? /^([^\r]*)\r\n?(.*)$/s.exec(text.slice(0, -1)) : null;
    const line = inline?.[1] ?? text.replace(/\r?\n?$/, "");
    const bodyEnd = [ctrlZ, esc].find((mark) => entry.endsWith(mark)) ?? "";
    const body = inline?.[2] ?? entry.slice(0, entry.length - bodyEnd.length);
    const entersData = /\+CMG[SWC]=|\+CNMA=\d+,\d/i.test(line);
    const givenUp = entry === esc;
    this.#entry = entersData && inline === null && !givenUp ? entry : "";
    this.#body = "";
    const abort = new AbortController();
    this.#deadline = this.#timers.now + never;
    const request = {
      line,
      inline: inline !== null,
      timeoutMs: never,
      bodyTimeoutMs: never,
      ...(entersData ? { body, ...(inline === null && entry !== "" ? { bodyEnd } : {}) } : {}),
    };
    this.#engine.send(request, { signal: abort.signal }).catch(() => undefined);
    if (entersData && givenUp) abort.abort(new GatewayError("modem.aborted", "as recorded"));
  }

  async received(text: string): Promise<void> {
    this.#port.feed(Buffer.from(text, "latin1"));
    await turn();
  }

  async delay(ms: number): Promise<void> {
    await turn();
    await this.#timers.advance(ms);
  }

  async event(name: "timeout" | "port-gone" | "port-back"): Promise<void> {
    if (name === "timeout") await this.#timers.advance(Math.max(0, this.#deadline - this.#timers.now));
    else if (name === "port-gone") this.#port.close();
    else this.#engine = this.#start();
    await turn();
  }

  async finish(): Promise<Playback> {
    await this.#timers.advance(4_000);
    this.#port.close();
    await turn();
    return { lines: this.#lines, commands: this.#commands, differences: this.#differences };
  }

  #compare(written: string, recorded: string): void {
    const wanted = recorded.replace(/\r\n$/, "\r");
    if (written === wanted) return;
    this.#differences.push(
      `step ${this.#step}: wrote ${JSON.stringify(written)} instead of ${JSON.stringify(recorded)}`,
    );
  }

  #observe(event: EngineEvent): void {
    if (event.kind === "line") {
      this.#lines.push([event.role, event.text]);
      return;
    }
    if (event.kind === "decided") {
      const line = this.#lines.findLast(([role, text]) => role === "doubtful" && text.trim() === event.text);
      if (line !== undefined) line[0] = event.role;
      return;
    }
    const { line, result } = event;
    if (result instanceof GatewayError) {
      const final = result.code === "modem.timeout" ? "TIMEOUT" : result.code === "modem.reset" ? "RESET" : "LOST";
      this.#commands.push({ line, final, info: [], promptSeen: false, cancelled: false });
      return;
    }
    const { final, info, promptSeen, cancelled } = result;
    const words = { ok: "OK", error: "ERROR", cme: "CME", cms: "CMS", connect: "CONNECT", call: "CALL" } as const;
    this.#commands.push({
      line,
      final: words[final.kind],
      ...("code" in final && final.code !== undefined ? { code: final.code } : {}),
      info: info.flatMap(({ text, data }) => (data === undefined ? [text] : [text, data])),
      promptSeen,
      cancelled,
    });
  }
}

/** Lets everything that is ready run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** Time that stands still until it is moved. */
export class VirtualTimers implements Timers {
  now = 0;
  readonly #tasks = new Set<{ at: number; task: () => void }>();

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.now + ms, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.#tasks].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#tasks.delete(due);
      this.now = Math.max(this.now, due.at);
      due.task();
      await turn();
    }
    this.now = until;
  }
}

/** A port whose other end is the caller. */
export class ScriptedPort implements Port {
  readonly address = "script:";
  #written = "";
  #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  readonly incoming: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => this.#iterate() };

  async *#iterate(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  feed(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** What was written since the last call. */
  takeWritten(): string {
    const written = this.#written;
    this.#written = "";
    return written;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw new GatewayError("link.lost", "the scripted port is closed");
    this.#written += latin1(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
