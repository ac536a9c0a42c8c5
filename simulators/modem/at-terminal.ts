import type { Line } from "../line.ts";
import { corrupt, type Misbehaviour, shownLine } from "./misbehaviour.ts";

/** The settings of V.250 that shape what goes over the line. */
export interface LineSettings {
  echo: boolean;
  verbose: boolean;
  quiet: boolean;
  /** S3, S4, S5: line termination, response formatting, line editing. */
  s3: number;
  s4: number;
  s5: number;
}

/** What a running command may do with the line. */
export interface CommandIo {
  /** Information lines; each call starts with one S3 S4 of its own. */
  info(...lines: readonly string[]): void;
  /**
   * Data entry: shows the prompt (unless it is empty) and waits for Ctrl-Z, undefined after ESC. `lines` = CR begins a
   * new line with a new prompt, as in text mode.
   */
  readBody(options: { readonly prompt: string; readonly lines: boolean }): Promise<string | undefined>;
  /** Aborted when the host types while an abortable command runs, or when the modem restarts. */
  readonly abort: AbortSignal;
}

/** What the terminal needs of its modem. */
interface AtTerminalDeps {
  readonly settings: () => LineSettings;
  readonly misbehaviour: () => Misbehaviour;
  readonly random: () => number;
  /** Runs a command line (without `AT`); the final result to show, empty for none at all. */
  readonly run: (body: string, io: CommandIo) => Promise<string>;
}

const ctrlZ = 0x1a;
const esc = 0x1b;
const finals: Readonly<Record<string, number>> = {
  OK: 0,
  CONNECT: 1,
  RING: 2,
  "NO CARRIER": 3,
  ERROR: 4,
  "NO DIALTONE": 6,
  BUSY: 7,
  "NO ANSWER": 8,
};

interface Entry {
  text: string;
  readonly lines: boolean;
  readonly done: (text: string | undefined) => void;
}

/**
 * The modem's side of the command line: editing, echo, repetition, data entry, result formats, type-ahead and abort.
 * ITU-T V.250 §5; 3GPP TS 27.005 §3.5.1 for data entry.
 */
export class AtTerminal {
  readonly #line: Line;
  readonly #deps: AtTerminalDeps;
  #typed = "";
  #last = "";
  #pending: number[] = [];
  #entry: Entry | undefined;
  #running: { readonly abort: AbortController; abortable: boolean } | undefined;
  #heldUrcs: string[][] = [];
  #outbox: Promise<void> | undefined;
  #closed = false;

  constructor(line: Line, deps: AtTerminalDeps) {
    this.#line = line;
    this.#deps = deps;
    line.onData((chunk) => this.#received(chunk));
  }

  /** An unsolicited result code, with the data line that follows it where there is one; held during data entry. */
  urc(...lines: readonly string[]): void {
    if (this.#entry !== undefined) this.#heldUrcs.push([...lines]);
    else this.#info(lines);
  }

  /** From now on typing aborts the running command. */
  allowAbort(): void {
    if (this.#running !== undefined) this.#running.abortable = true;
  }

  /** Forgets what was typed and what runs, as a restart does. */
  restart(): void {
    const entry = this.#entry;
    this.#entry = undefined;
    this.#running?.abort.abort();
    this.#running = undefined;
    this.#typed = "";
    this.#pending = [];
    this.#heldUrcs = [];
    entry?.done(undefined);
  }

  /** Octets that belong to no line: noise. */
  noise(bytes: Uint8Array): void {
    this.#write(Buffer.from(bytes).toString("latin1"));
  }

  close(): void {
    this.#closed = true;
    this.restart();
  }

  #received(chunk: Uint8Array): void {
    if (this.#running?.abortable === true && this.#entry === undefined) {
      this.#running.abort.abort();
      this.#running.abortable = false;
      return;
    }
    for (const octet of chunk) this.#pending.push(octet);
    this.#consume();
  }

  #consume(): void {
    let echo = "";
    while (this.#pending.length > 0 && !this.#closed && (this.#running === undefined || this.#entry !== undefined)) {
      const octet = this.#pending.shift() ?? 0;
      if (octet === 0) continue;
      const shown = String.fromCharCode(octet);
      const entry = this.#entry;
      const whole = entry === undefined ? this.#edit(octet) : undefined;
      if (octet >= 0x20 || octet === 0x0d || (entry !== undefined && octet !== 0x0a)) echo += shown;
      if (whole === undefined && entry === undefined) continue;
      this.#echo(echo);
      echo = "";
      if (whole !== undefined) void this.#execute(whole);
      else if (entry !== undefined) this.#enter(entry, octet);
    }
    this.#echo(echo);
  }

  #echo(text: string): void {
    if (text === "" || !this.#deps.settings().echo) return;
    const cut = this.#deps.misbehaviour().cutEcho && text.length > 5 ? 4 : 0;
    if (cut > 0) this.#write(`${text.slice(0, cut)}\r\n+CIEV: 2,3\r\n`);
    this.#write(text.slice(cut));
  }

  /** Takes a character of a command line; the body of the line once it is complete. */
  #edit(octet: number): string | undefined {
    const { s3, s5 } = this.#deps.settings();
    if (octet === s5) this.#typed = this.#typed.slice(0, -1);
    else if (octet === s3) {
      const start = /at/i.exec(this.#typed);
      const body = start === null ? undefined : this.#typed.slice(start.index + 2);
      this.#typed = "";
      if (body !== undefined) this.#last = body;
      return body;
    } else if (octet >= 0x20) this.#typed += String.fromCharCode(octet);
    if (!/^a\/$/i.test(this.#typed)) return undefined;
    this.#typed = "";
    return this.#last;
  }

  /** Takes a character of a data entry. */
  #enter(entry: Entry, octet: number): void {
    const { s3, s5 } = this.#deps.settings();
    if (octet === ctrlZ || octet === esc) {
      this.#entry = undefined;
      entry.done(octet === ctrlZ ? entry.text : undefined);
    } else if (octet === s5) entry.text = entry.text.slice(0, -1);
    else if (octet === s3 && entry.lines) {
      entry.text += "\n";
      this.#write("\r\n> ");
    } else if (octet !== 0x0a && octet !== s3) entry.text += String.fromCharCode(octet);
  }

  async #execute(body: string): Promise<void> {
    const running = { abort: new AbortController(), abortable: false };
    this.#running = running;
    const io: CommandIo = {
      info: (...lines) => {
        if (this.#running === running) this.#info(lines);
      },
      readBody: (options) => this.#readBody(running.abort.signal, options),
      abort: running.abort.signal,
    };
    const result = await this.#deps.run(body, io);
    if (this.#running !== running) return;
    const { lateMs } = this.#deps.misbehaviour();
    if (lateMs > 0) await new Promise((resolve) => setTimeout(resolve, lateMs));
    if (this.#running !== running) return;
    this.#running = undefined;
    if (result !== "") this.#final(result);
    for (const lines of this.#heldUrcs.splice(0)) this.#info(lines);
    this.#consume();
  }

  #readBody(
    abort: AbortSignal,
    { prompt, lines }: { readonly prompt: string; readonly lines: boolean },
  ): Promise<string | undefined> {
    if (abort.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#entry = { text: "", lines, done: resolve };
      if (prompt !== "") this.#write(this.#deps.misbehaviour().nulPrompt ? prompt.replace(">", "\0>") : prompt);
      this.#consume();
    });
  }

  #info(lines: readonly string[]): void {
    const { verbose } = this.#deps.settings();
    const end = this.#lineEnd();
    const misbehaviour = this.#deps.misbehaviour();
    const text = lines.map((line) => `${shownLine(line, misbehaviour, this.#deps.random)}${end}`).join("");
    this.#write(verbose ? `${end}${text}` : text);
  }

  #final(result: string): void {
    const { verbose, quiet, s3 } = this.#deps.settings();
    if (quiet) return;
    const code = finals[result.startsWith("CONNECT") ? "CONNECT" : result];
    const line = corrupt(result, this.#deps.misbehaviour(), this.#deps.random);
    if (verbose || code === undefined) this.#write(`${this.#lineEnd()}${line}${this.#lineEnd()}`);
    else this.#write(`${code}${String.fromCharCode(s3)}`);
  }

  #lineEnd(): string {
    const { s3, s4 } = this.#deps.settings();
    return String.fromCharCode(s3, s4);
  }

  #write(text: string): void {
    if (this.#closed) return;
    const bytes = Buffer.from(text, "latin1");
    const { chunk, bytesPerSecond } = this.#deps.misbehaviour();
    if (chunk === 0 && bytesPerSecond === 0 && this.#outbox === undefined) {
      this.#line.write(bytes);
      return;
    }
    const next = (this.#outbox ?? Promise.resolve()).then(() => this.#trickle(bytes, chunk || 16, bytesPerSecond));
    this.#outbox = next;
    void next.finally(() => {
      if (this.#outbox === next) this.#outbox = undefined;
    });
  }

  async #trickle(bytes: Uint8Array, chunk: number, bytesPerSecond: number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed; at += chunk) {
      this.#line.write(bytes.subarray(at, at + chunk));
      const ms = bytesPerSecond === 0 ? 1 : (chunk * 1000) / bytesPerSecond;
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }
}
