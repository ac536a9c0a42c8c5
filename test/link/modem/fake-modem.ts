import { GatewayError } from "../../../src/base/gateway-error.ts";
import { latin1 } from "../../../src/codec/at/line.ts";
import { Incoming } from "../../../src/link/incoming.ts";
import { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import type { AtEngineDeps } from "../../../src/link/modem/at/engine-contract.ts";
import { loadProfiles } from "../../../src/link/modem/profile/profile-files.ts";
import type { Port } from "../../../src/link/port.ts";

/** What a scripted modem answers to a line; undefined = nothing at all. Without CR LF it is framed as an information line. */
export type Answer = string | readonly string[] | undefined;

/** A modem of a few lines: a table from command to answer, and whatever a test makes it say. */
export class FakeModem implements Port {
  readonly address = "fake:";
  readonly incoming = new Incoming();
  /** Every line and body it was given. */
  readonly heard: string[] = [];
  #input = "";
  #body: string | undefined;
  readonly #answers: Map<string | RegExp, Answer | ((line: string) => Answer)>;

  constructor(answers: ReadonlyMap<string | RegExp, Answer | ((line: string) => Answer)> = new Map()) {
    this.#answers = new Map(answers);
  }

  on(line: string | RegExp, answer: Answer | ((line: string) => Answer)): this {
    for (const key of this.#answers.keys()) if (String(key) === String(line)) this.#answers.delete(key);
    this.#answers.set(line, answer);
    return this;
  }

  /** Lines as a modem sends them. */
  say(...lines: string[]): void {
    this.raw(lines.map((line) => `\r\n${line}\r\n`).join(""));
  }

  raw(text: string): void {
    this.incoming.push(Buffer.from(text, "latin1"));
  }

  unplug(): void {
    this.incoming.end(new GatewayError("link.lost", "unplugged"));
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.incoming.ended) throw new GatewayError("link.lost", "unplugged");
    this.#input += latin1(bytes);
    for (;;) {
      const marks = this.#body === undefined ? ["\r", "\x1b"] : ["\x1a", "\x1b"];
      const end = [...this.#input].findIndex((character) => marks.includes(character));
      if (end < 0) return;
      const text = this.#input.slice(0, end);
      const mark = this.#input[end];
      this.#input = this.#input.slice(end + 1);
      setImmediate(() => this.#take(text, mark ?? ""));
    }
  }

  #take(text: string, mark: string): void {
    if (mark === "\x1b") {
      this.heard.push("ESC");
      const entering = this.#body !== undefined;
      this.#body = undefined;
      if (entering) this.say("OK");
      return;
    }
    const line = text.trim();
    if (line === "" && mark === "\r") return;
    this.heard.push(line);
    const command = this.#body;
    this.#body = undefined;
    this.#reply(command === undefined ? line : `${command} ${line}`);
  }

  #reply(line: string): void {
    const entry = [...this.#answers].findLast(([key]) => (typeof key === "string" ? key === line : key.test(line)));
    const found = entry === undefined ? "OK" : entry[1];
    const answer = typeof found === "function" ? found(line) : found;
    if (answer === undefined) return;
    if (answer === ">") {
      this.#body = line;
      this.raw("\r\n> ");
      return;
    }
    this.say(...(typeof answer === "string" ? [answer] : answer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
  }
}

export const profiles = loadProfiles();

/** An engine over a fake modem. */
export function engineOver(port: Port, more: Partial<AtEngineDeps> & { profileName?: string } = {}): AtEngine {
  const { profileName = "generic-3gpp", ...deps } = more;
  return new AtEngine({ port, link: "modem-1", profile: profiles.get(profileName), ...deps });
}

/** Lets what is ready run. */
export function turn(times = 4): Promise<void> {
  return new Promise((resolve) => {
    const step = (left: number) => (left === 0 ? resolve() : setImmediate(() => step(left - 1)));
    step(times);
  });
}
