import { concatBytes } from "../../base/hex.ts";
import type { ReceivedChannelData } from "../context.ts";
import { type Explained, type ExplainOptions, explain } from "../explain.ts";
import { httpScore } from "./http.ts";
import { tlsRecordLength } from "./tls.ts";

/** Octets of one direction of a channel that are kept for what is not complete. */
const maxWaiting = 64 * 1024;

interface Stream {
  octets: Uint8Array;
  /** SEND DATA or RECEIVE DATA that it came in. */
  pieces: number;
}

/** TLS records and HTTP messages that come in several pieces of channel data, by channel and direction. */
export class ChannelStreams {
  readonly #options: ExplainOptions;
  readonly #waiting = new Map<string, Stream>();

  constructor(options: ExplainOptions) {
    this.#options = options;
  }

  /** Takes one piece; returns what it completes. A piece that holds whole records alone completes nothing. */
  take({ from, channel, octets }: ReceivedChannelData): Explained[] {
    const key = `${from}/${channel ?? ""}`;
    const before = this.#waiting.get(key);
    const stream = {
      octets: before === undefined ? octets : concatBytes(before.octets, octets),
      pieces: (before?.pieces ?? 0) + 1,
    };
    const length = completeLength(stream.octets);
    const left = stream.octets.subarray(length ?? 0);
    if (length === undefined || left.length > maxWaiting) this.#waiting.delete(key);
    else if (left.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, length === 0 ? stream : { octets: left, pieces: 1 });
    if (length === undefined || length === 0 || stream.pieces < 2) return [];
    const type = tlsRecordLength(stream.octets) === undefined ? "http" : "tls";
    const found = explain(stream.octets.subarray(0, length), { ...this.#options, as: type });
    const note = `put together from ${stream.pieces} ${from === "card" ? "SEND DATA" : "RECEIVE DATA"}`;
    return [{ ...found, node: { ...found.node, note } }];
  }
}

/** Octets at the front that are whole records or messages; undefined when they are neither TLS nor HTTP. */
function completeLength(octets: Uint8Array): number | undefined {
  let at = 0;
  for (;;) {
    const rest = octets.subarray(at);
    if (rest.length === 0) return at;
    const length = tlsRecordLength(rest);
    if (length === undefined) break;
    if (length > rest.length) return at;
    at += length;
  }
  const rest = octets.subarray(at);
  if (at > 0 || rest.length < 5) return at > 0 || startsRecord(rest) ? at : undefined;
  if (httpScore(rest) === 0) return undefined;
  return httpEnd(rest);
}

/** Whether fewer octets than the head of a record may be the start of one. */
function startsRecord(octets: Uint8Array): boolean {
  const [type = 0, major = 3] = octets;
  return type >= 20 && type <= 24 && major === 3;
}

/** Where an HTTP message ends; 0 while it is not complete. */
function httpEnd(octets: Uint8Array): number {
  const text = new TextDecoder("latin1").decode(octets);
  const head = /\r?\n\r?\n/.exec(text);
  if (head === null) return 0;
  const start = head.index + head[0].length;
  const headers = text.slice(0, start);
  if (/^transfer-encoding:.*chunked/im.test(headers)) {
    const last = /(?:^|\n)0+\r?\n(?:\r?\n)?/.exec(text.slice(start));
    return last === null ? 0 : start + last.index + last[0].length;
  }
  const length = Number(/^content-length:\s*(\d+)/im.exec(headers)?.[1] ?? 0);
  return start + length <= octets.length ? start + length : 0;
}
