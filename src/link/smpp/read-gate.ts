import type { SmppStream } from "./stream.ts";

/** Stops reading from a stream while at least one part of the session has a reason to. */
export class ReadGate {
  readonly #stream: Pick<SmppStream, "pause" | "resume">;
  #reasons = 0;

  constructor(stream: Pick<SmppStream, "pause" | "resume">) {
    this.#stream = stream;
  }

  /** Reads nothing until the matching {@link ReadGate.release}. */
  hold(): void {
    this.#reasons += 1;
    if (this.#reasons === 1) this.#stream.pause();
  }

  release(): void {
    this.#reasons -= 1;
    if (this.#reasons === 0) this.#stream.resume();
  }
}
