import { inspect } from "node:util";

/** Octets that must not be displayed: prints, logs and serializes as `[secret]`; only `reveal()` returns them. */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Number of octets: not a secret. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The octets. Call it at the last moment and do not keep the result. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  toJSON(): string {
    return "[secret]";
  }

  toString(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
