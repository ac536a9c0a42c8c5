import type { Clock } from "../../../base/clock.ts";
import { latin1 } from "../../../codec/at/line.ts";
import type { Port } from "../../port.ts";
import type { TranscriptStep } from "./transcript.ts";

/** A port that records all octets in both directions with their timing. */
export class RecordingPort implements Port {
  readonly address: string;
  readonly steps: TranscriptStep[] = [];
  readonly incoming: AsyncIterable<Uint8Array>;
  readonly #port: Port;
  readonly #clock: Clock;
  #last: number;

  constructor(port: Port, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
    this.address = port.address;
    this.#last = clock.monotonic();
    this.incoming = { [Symbol.asyncIterator]: () => this.#listen() };
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#note({ kind: "sent", text: latin1(bytes) });
    return this.#port.write(bytes);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#port[Symbol.asyncDispose]();
  }

  async *#listen(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#port.incoming) {
      this.#note({ kind: "received", text: latin1(chunk) });
      yield chunk;
    }
  }

  #note(step: TranscriptStep): void {
    const now = this.#clock.monotonic();
    const ms = Math.round(now - this.#last);
    this.#last = now;
    if (ms > 0) this.steps.push({ kind: "delay", ms });
    this.steps.push(step);
  }
}
