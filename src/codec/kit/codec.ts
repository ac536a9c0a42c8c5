import { codecError } from "../../base/gateway-error.ts";

/**
 * A cursor over octets. `base` is the offset of its first octet in the whole input, so that errors of nested
 * structures name the place the user sees. Hands out views, never copies.
 */
export class Reader {
  readonly bytes: Uint8Array;
  readonly base: number;
  #at = 0;

  constructor(bytes: Uint8Array, base = 0) {
    this.bytes = bytes;
    this.base = base;
  }

  /** Offset of the next octet in the whole input. */
  get offset(): number {
    return this.base + this.#at;
  }

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  get ended(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** The next octet without taking it, or undefined at the end. */
  peek(ahead = 0): number | undefined {
    return this.bytes[this.#at + ahead];
  }

  /** @throws codec.truncated */
  u8(field = "octet"): number {
    const value = this.bytes[this.#at];
    if (value === undefined) throw codecError("codec.truncated", `${field}: no octet left`, this.offset, { field });
    this.#at += 1;
    return value;
  }

  /** Big-endian unsigned integer of `octets` (1 to 6). @throws codec.truncated, codec.length for more octets */
  uint(octets: number, field = "integer"): number {
    if (octets > 6) throw codecError("codec.length", `${field} of ${octets} octets`, this.offset, { field });
    if (octets > this.remaining) this.take(octets, field);
    let value = 0;
    for (let i = 0; i < octets; i++) value = value * 256 + (this.bytes[this.#at + i] ?? 0);
    this.#at += octets;
    return value;
  }

  /** A view of the next `count` octets. @throws codec.truncated */
  take(count: number, field = "octets"): Uint8Array {
    if (count > this.remaining) {
      throw codecError(
        "codec.truncated",
        `${field}: ${count} octets announced, ${this.remaining} present`,
        this.offset,
        { field },
      );
    }
    const view = this.bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return view;
  }

  /** Passes over octets; stops at the end. */
  skip(count: number): void {
    this.#at = Math.min(this.#at + count, this.bytes.length);
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** A reader over the next `count` octets, which keeps offsets of the whole input. */
  sub(count: number, field?: string): Reader {
    const base = this.offset;
    return new Reader(this.take(count, field), base);
  }

  /** @throws codec.trailing when something is left */
  end(what = "input"): void {
    if (!this.ended) {
      throw codecError("codec.trailing", `${this.remaining} octets follow the ${what}`, this.offset);
    }
  }
}

/** A growing octet buffer. */
export class Writer {
  #buffer: Uint8Array;
  #length = 0;

  /** `capacity` is a guess: the buffer grows as needed. */
  constructor(capacity = 64) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + count));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  u8(value: number): this {
    if (this.#length === this.#buffer.length) this.#room(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  uint(value: number, octets: number): this {
    this.#room(octets);
    this.#length += octets;
    return this.patch(this.#length - octets, value, octets);
  }

  /** Overwrites an integer written before, for a length that is known only after its content. */
  patch(at: number, value: number, octets: number): this {
    let left = value;
    let last = at + octets;
    for (; left > 0x7fffffff; left = Math.floor(left / 256)) this.#buffer[--last] = left;
    for (; last > at; left >>= 8) this.#buffer[--last] = left;
    return this;
  }

  /** Forgets all that was written after `length`. */
  truncate(length: number): this {
    this.#length = Math.min(this.#length, length);
    return this;
  }

  /** What was written from `start` on, as a view that the next write may change. */
  view(start = 0): Uint8Array {
    return this.#buffer.subarray(start, this.#length);
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }
}

/** The whole contract of the kit: one description, both directions. */
export interface Codec<T> {
  read(from: Reader): T;
  write(to: Writer, value: T): void;
}

/** The value type of a codec. */
export type Of<C> = C extends Codec<infer T> ? T : never;

/** The octets of a value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
}

/** The value of octets; all of them must be consumed. @throws codec.* with offset */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, base = 0): T {
  const reader = new Reader(bytes, base);
  const value = codec.read(reader);
  reader.end();
  return value;
}
