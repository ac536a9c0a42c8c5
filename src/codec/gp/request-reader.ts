import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { Writer } from "../kit/codec.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { bodyFraming, header, looksLikeHeader, parseRequestHead, type RequestHead } from "./http-head.ts";

/** Bounds of one request. */
interface RequestLimits {
  readonly headOctets: number;
  readonly bodyOctets: number;
}

/** One whole request. */
export interface HttpRequest {
  readonly head: RequestHead;
  /** Request line and headers unchanged, Latin-1, without the empty line. */
  readonly headText: string;
  readonly body: Uint8Array;
}

type ReaderEvent =
  | { readonly kind: "request"; readonly request: HttpRequest }
  /** The card waits for `100 Continue` before it sends the body. */
  | { readonly kind: "continue" };

type Body = { readonly chunked: ChunkedDecoder } | { readonly length: number; readonly octets: Writer };
type State =
  | { readonly at: "between" }
  | { readonly at: "head" }
  | { readonly at: "body"; readonly head: RequestHead; readonly headText: string; readonly body: Body };

const empty = new Uint8Array();

/**
 * Takes a card's HTTP stream apart: lenient in spelling, strict in bounds, indifferent to how the octets are cut.
 * Between two requests it swallows what cards leave there: line ends, trailers, a last chunk behind a request without
 * body. A second block of headers behind the empty line counts as part of the head when it came along with it.
 * Unusable after it threw.
 */
export class RequestReader {
  readonly #limits: RequestLimits;
  #state: State = { at: "between" };
  #buffer: Uint8Array = empty;
  /** Where the search for the head's end continues. */
  #searched = 0;
  #swallowed = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Which part of a request is awaited. */
  get awaits(): State["at"] {
    return this.#state.at === "between" && this.#buffer.length > 0 ? "head" : this.#state.at;
  }

  /** @throws codec.text for what is not HTTP, codec.length beyond a limit */
  push(octets: Uint8Array): ReaderEvent[] {
    this.#buffer = this.#buffer.length === 0 ? octets : concatBytes(this.#buffer, octets);
    const events: ReaderEvent[] = [];
    while (this.#advance(events)) {}
    // A view would keep the whole network buffer alive for as long as the card is silent.
    if (this.#buffer.length === 0) this.#buffer = empty;
    else if (this.#buffer === octets || this.#buffer.byteLength < this.#buffer.buffer.byteLength) {
      this.#buffer = new Uint8Array(this.#buffer);
    }
    return events;
  }

  #advance(events: ReaderEvent[]): boolean {
    switch (this.#state.at) {
      case "between":
        return this.#between();
      case "head":
        return this.#head(events);
      case "body":
        return this.#body(this.#state, events);
    }
  }

  #drop(count: number): void {
    this.#buffer = this.#buffer.subarray(count);
  }

  #between(): boolean {
    const lineEnd = this.#buffer.indexOf(0x0a);
    if (lineEnd < 0) {
      this.#bound(this.#buffer.length);
      return false;
    }
    const line = latin1(this.#buffer.subarray(0, lineEnd)).replace(/\r$/, "");
    if (line.trim() !== "" && !/^0+[ \t]*$/.test(line) && !looksLikeHeader(line)) {
      this.#state = { at: "head" };
      this.#searched = 0;
      this.#swallowed = 0;
      return true;
    }
    this.#swallowed += lineEnd + 1;
    this.#bound(this.#swallowed);
    this.#drop(lineEnd + 1);
    return true;
  }

  #bound(octets: number): void {
    if (octets > this.#limits.headOctets) {
      throw codecError("codec.length", `head of more than ${this.#limits.headOctets} octets`, octets, {
        field: "head",
      });
    }
  }

  #head(events: ReaderEvent[]): boolean {
    const end = headEnd(this.#buffer, this.#searched);
    this.#bound(end?.head ?? this.#buffer.length);
    if (end === undefined) {
      this.#searched = Math.max(0, this.#buffer.length - 2);
      return false;
    }
    if (end.next < this.#buffer.length && this.#moreHeaders(end)) return true;
    const headText = latin1(this.#buffer.subarray(0, end.head)).replace(/[\r\n]+$/, "");
    const head = parseRequestHead(headText);
    const framing = bodyFraming(head);
    this.#drop(end.next);
    if (framing.at === "none" || (framing.at === "length" && framing.octets === 0)) {
      this.#state = { at: "between" };
      events.push({ kind: "request", request: { head, headText, body: empty } });
      return true;
    }
    if (framing.at === "length" && framing.octets > this.#limits.bodyOctets) {
      throw codecError("codec.length", `body of more than ${this.#limits.bodyOctets} octets`, 0, { field: "body" });
    }
    const body: Body =
      framing.at === "chunked"
        ? { chunked: new ChunkedDecoder(this.#limits.bodyOctets) }
        : { length: framing.octets, octets: new Writer() };
    this.#state = { at: "body", head, headText, body };
    const expects = header(head, "expect")?.toLowerCase() === "100-continue";
    if (expects && this.#buffer.length === 0) events.push({ kind: "continue" });
    return true;
  }

  /** Whether a second header block stands behind the empty line; joins it to the first by removing that line. */
  #moreHeaders(end: { readonly head: number; readonly next: number }): boolean {
    const lineEnd = this.#buffer.indexOf(0x0a, end.next);
    if (lineEnd < 0 || !looksLikeHeader(latin1(this.#buffer.subarray(end.next, lineEnd)))) return false;
    const framed = bodyFraming(parseRequestHead(latin1(this.#buffer.subarray(0, end.head))));
    if (framed.at !== "none") return false;
    this.#buffer = concatBytes(this.#buffer.subarray(0, end.head), this.#buffer.subarray(end.next));
    this.#searched = end.head;
    return true;
  }

  #body(state: State & { at: "body" }, events: ReaderEvent[]): boolean {
    const { head, headText, body } = state;
    let whole: Uint8Array | undefined;
    if ("chunked" in body) {
      this.#drop(body.chunked.push(this.#buffer));
      if (body.chunked.done) whole = body.chunked.body();
    } else {
      const part = this.#buffer.subarray(0, body.length - body.octets.length);
      body.octets.bytes(part);
      this.#drop(part.length);
      if (body.octets.length === body.length) whole = body.octets.finish();
    }
    if (whole === undefined) return false;
    this.#state = { at: "between" };
    events.push({ kind: "request", request: { head, headText, body: whole } });
    return true;
  }
}

/** End of the head: octets up to and including its last line end, and where the body starts. */
function headEnd(buffer: Uint8Array, from: number): { head: number; next: number } | undefined {
  for (let at = buffer.indexOf(0x0a, from); at >= 0; at = buffer.indexOf(0x0a, at + 1)) {
    const after = buffer[at + 1];
    if (after === 0x0a) return { head: at + 1, next: at + 2 };
    if (after === 0x0d && buffer[at + 2] === 0x0a) return { head: at + 1, next: at + 3 };
  }
  return undefined;
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
}
