import { GatewayError } from "../../base/gateway-error.ts";
import { latin1 } from "../../codec/at/line.ts";
import type { Port } from "../port.ts";
import { AtEngine } from "./at-engine.ts";
import type { EngineEvent } from "./engine-contract.ts";
import type { ModemProfile } from "./profile.ts";
import type { Timers } from "./timers.ts";
import type { Transcript } from "./transcript.ts";

/** How one command of a transcript ended. */
export interface PlayedCommand {
  readonly line: string;
  readonly final: "OK" | "ERROR" | "CME" | "CMS" | "CONNECT" | "CALL" | "TIMEOUT" | "RESET" | "LOST";
  readonly code?: number;
  readonly info: readonly string[];
  readonly promptSeen: boolean;
  readonly cancelled: boolean;
}

/** What the engine made of a transcript. */
export interface Playback {
  readonly lines: readonly (readonly [role: string, text: string])[];
  readonly commands: readonly PlayedCommand[];
  /** Where what was written differs from what was recorded; empty when the replay is byte-exact. */
  readonly differences: readonly string[];
}

const never = 900_000_000;
const ctrlZ = "\x1a";
const esc = "\x1b";

/** What is sent at a prompt, or to leave it. */
function isData(text: string): boolean {
  return (text.startsWith(esc) || text.endsWith(ctrlZ)) && !/^at/i.test(text);
}

/** Replays a recorded dialog through a real engine on virtual time: the modem's part is fed, the host's part compared. */
export async function playTranscript(transcript: Transcript, profile: ModemProfile): Promise<Playback> {
  const player = new Player(profile);
  for (const [index, step] of transcript.steps.entries()) {
    if (step.kind === "sent") await player.sent(step.text, index, nextSent(transcript, index));
    else if (step.kind === "received") await player.received(step.text);
    else if (step.kind === "delay") await player.delay(step.ms);
    else if (step.kind === "event") await player.event(step.name);
  }
  return player.finish();
}

function nextSent({ steps }: Transcript, index: number): string {
  for (const step of steps.slice(index + 1)) if (step.kind === "sent") return step.text;
  return "";
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

  constructor(profile: ModemProfile) {
    this.#profile = profile;
    this.#engine = this.#start();
  }

  #start(): AtEngine {
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

  async sent(text: string, index: number, next: string): Promise<void> {
    await turn();
    const isBody = isData(text);
    if (!isBody && this.#engine.backlog > 0) await this.event("timeout");
    const already = this.#port.takeWritten();
    if (already === "" && !isBody) this.#command(text, next);
    await turn();
    this.#compare(already + this.#port.takeWritten(), text, index);
  }

  #command(text: string, next: string): void {
    const inline = text.endsWith(ctrlZ) ? /^([^\r]*)\r\n?(.*)$/s.exec(text.slice(0, -1)) : null;
    const line = inline?.[1] ?? text.replace(/\r?\n?$/, "");
    const body = inline?.[2] ?? (next.endsWith(ctrlZ) && isData(next) ? next.slice(0, -1) : "");
    const entersData = /\+CMG[SWC]=|\+CNMA=\d+,\d/i.test(line);
    const abort = new AbortController();
    this.#deadline = this.#timers.now + never;
    const request = {
      line,
      inline: inline !== null,
      timeoutMs: never,
      bodyTimeoutMs: never,
      ...(entersData ? { body } : {}),
    };
    this.#engine.send(request, { signal: abort.signal }).catch(() => undefined);
    if (entersData && next.startsWith(esc)) abort.abort(new GatewayError("modem.aborted", "as recorded"));
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

  #compare(written: string, recorded: string, index: number): void {
    const wanted = recorded.replace(/\r\n$/, "\r");
    if (written === wanted) return;
    this.#differences.push(`step ${index}: wrote ${JSON.stringify(written)} instead of ${JSON.stringify(recorded)}`);
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
