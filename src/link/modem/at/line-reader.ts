import { type AtToken, awaitsPause, freshLine, type LineState, pause, tokenize } from "../../../codec/at/line.ts";
import type { Timers } from "../timers.ts";

const pauseMs = 60;

/** Cuts the octets of a port into tokens, by a pause where the octets alone are ambiguous. One per open port. */
export class LineReader {
  readonly #timers: Timers;
  readonly #token: (token: AtToken) => void;
  #line: LineState = freshLine;
  #stopPause: (() => void) | undefined;

  constructor(timers: Timers, token: (token: AtToken) => void) {
    this.#timers = timers;
    this.#token = token;
  }

  /** Takes the next octets. */
  take(chunk: Uint8Array, awaitingPrompt: boolean): void {
    this.#go(tokenize(this.#line, chunk, awaitingPrompt));
    this.stop();
    if (awaitsPause(this.#line)) this.#stopPause = this.#timers.after(pauseMs, () => this.#go(pause(this.#line)));
  }

  stop(): void {
    this.#stopPause?.();
    this.#stopPause = undefined;
  }

  #go({ state, tokens }: ReturnType<typeof tokenize>): void {
    this.#line = state;
    for (const token of tokens) this.#token(token);
  }
}
