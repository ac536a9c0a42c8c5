import { withoutUndefined } from "../base/defined.ts";

/** Passes chunks from a callback to one `for await` loop; chunks that arrive before the loop reads them are queued. */
export class Incoming implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #ended: { readonly error?: unknown } | undefined;
  #waiting: { resolve: (result: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void } | undefined;

  /** A chunk arrived. */
  push(chunk: Uint8Array): void {
    if (this.#ended !== undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#chunks.push(chunk);
    else waiting.resolve({ done: false, value: chunk });
  }

  /** Ends the stream, with an error if given. Queued chunks are delivered first. */
  end(error?: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = withoutUndefined({ error });
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next() };
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    if (this.#ended !== undefined) {
      const { error } = this.#ended;
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }
}
