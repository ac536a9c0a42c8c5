import { codecError } from "../../base/gateway-error.ts";
import { Writer } from "../kit/codec.ts";

const lineLimit = 256;
const digitLimit = 8;

/**
 * Takes a chunked body apart as it arrives. Complete with the line of the last chunk: the empty line behind it, which
 * some cards never send, and trailers are left to the caller. Sizes may have any letter case, leading zeros, spaces and
 * extensions; LF may stand for CRLF. RFC 9112 §7.1
 */
export class ChunkedDecoder {
  readonly #limit: number;
  readonly #body = new Writer();
  #at: "size" | "extension" | "data" | "data-end" | "done" = "size";
  #size = 0;
  #digits = 0;
  #significant = 0;
  #line = 0;
  #consumed = 0;

  /** @param limit most octets of body */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get done(): boolean {
    return this.#at === "done";
  }

  /** Octets of body so far. */
  get length(): number {
    return this.#body.length;
  }

  /** The body; complete when {@link done}. */
  body(): Uint8Array {
    return this.#body.finish();
  }

  /**
   * Takes octets up to the end of the body and returns how many it took.
   * @throws codec.text for broken framing, codec.length beyond the limit, with the offset in the chunked stream
   */
  push(octets: Uint8Array): number {
    let i = 0;
    while (i < octets.length && this.#at !== "done") {
      if (this.#at === "data") {
        const part = octets.subarray(i, i + this.#size);
        this.#body.bytes(part);
        this.#size -= part.length;
        i += part.length;
        this.#consumed += part.length;
        if (this.#size === 0) this.#next("data-end");
      } else {
        this.#octet(octets[i] ?? 0);
        i++;
        this.#consumed++;
      }
    }
    return i;
  }

  #octet(octet: number): void {
    if (++this.#line > lineLimit) throw this.#refuse("codec.length", "chunk line without end");
    if (octet === 0x0a) this.#lineEnd();
    else if (octet === 0x0d) return;
    else if (this.#at === "data-end") throw this.#refuse("codec.text", "no line end after the chunk's data");
    else if (this.#at === "size") this.#sizeOctet(octet);
  }

  #sizeOctet(octet: number): void {
    const digit = hexDigit(octet);
    if (digit !== undefined) {
      this.#digits++;
      if (digit !== 0 || this.#significant > 0) this.#significant++;
      if (this.#significant > digitLimit) throw this.#refuse("codec.length", "chunk size beyond 32 bits");
      this.#size = this.#size * 16 + digit;
    } else if (octet === 0x20 || octet === 0x09) {
      if (this.#digits > 0) this.#at = "extension";
    } else if (octet === 0x3b && this.#digits > 0) this.#at = "extension";
    else throw this.#refuse("codec.text", "chunk size is not hexadecimal");
  }

  #lineEnd(): void {
    if (this.#at === "data-end") {
      this.#next("size");
      return;
    }
    if (this.#digits === 0) throw this.#refuse("codec.text", "no chunk size");
    if (this.#size === 0) this.#next("done");
    else if (this.#body.length + this.#size > this.#limit) {
      throw this.#refuse("codec.length", `body of more than ${this.#limit} octets`);
    } else this.#next("data");
  }

  #next(at: "size" | "data" | "data-end" | "done"): void {
    this.#at = at;
    this.#line = 0;
    this.#digits = 0;
    this.#significant = 0;
  }

  #refuse(code: "codec.text" | "codec.length", message: string): Error {
    return codecError(code, message, this.#consumed, { field: "chunk" });
  }
}

function hexDigit(octet: number): number | undefined {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}
