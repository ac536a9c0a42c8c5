import { GatewayError } from "../../src/base/gateway-error.ts";

/** A server's answer. */
export interface ServerAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/**
 * A card's reader of answers. Strict on purpose: real cards are, and a server that takes liberties should be caught.
 * No answer may carry headers other than those of Amendment B §3.4.2, nor both a length and chunks.
 */
export class AnswerReader {
  #stream: Buffer = Buffer.alloc(0);

  /** Octets of an answer that is not whole yet. */
  get pending(): number {
    return this.#stream.length;
  }

  /** Takes octets; the answer when they complete one. @throws scp81.protocol */
  push(octets: Uint8Array): ServerAnswer | undefined {
    this.#stream = Buffer.concat([this.#stream, octets]);
    const end = this.#stream.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [statusLine = "", ...lines] = this.#stream.toString("latin1", 0, end).split("\r\n");
    const [, code] = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine) ?? [];
    if (code === undefined) throw broken("not a status line");
    const status = Number(code);
    const headers = new Map<string, string>();
    for (const line of lines) addHeader(headers, line);
    checkHeaders(status, headers);
    const at = end + 4;
    const found = headers.has("transfer-encoding")
      ? readChunks(this.#stream, at)
      : readLength(this.#stream, at, Number(headers.get("content-length") ?? "0"));
    if (found === undefined) return undefined;
    this.#stream = this.#stream.subarray(found.next);
    return { status, headers, body: found.body };
  }
}

const allowed = new Set([
  "x-admin-protocol",
  "x-admin-next-uri",
  "content-type",
  "x-admin-targeted-application",
  "content-length",
  "transfer-encoding",
]);

function broken(message: string): GatewayError {
  return new GatewayError("scp81.protocol", `the server's answer: ${message}`);
}

function addHeader(headers: Map<string, string>, line: string): void {
  const [, name, value] = /^([A-Za-z-]+): (.*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw broken(`header line '${line}'`);
  const key = name.toLowerCase();
  if (headers.has(key)) throw broken(`${name} twice`);
  headers.set(key, value);
}

function checkHeaders(status: number, headers: ReadonlyMap<string, string>): void {
  for (const name of headers.keys()) if (!allowed.has(name)) throw broken(`unexpected ${name}`);
  if (headers.get("x-admin-protocol") !== "globalplatform-remote-admin/1.0") throw broken("no administration protocol");
  if (headers.has("content-length") && headers.has("transfer-encoding")) throw broken("a length and chunks");
  if (status === 204 && (headers.has("content-type") || headers.has("content-length"))) throw broken("204 with a body");
  if (status === 200 && !headers.has("content-type")) throw broken("no content type");
}

function readLength(stream: Buffer, at: number, length: number): { body: Uint8Array; next: number } | undefined {
  if (stream.length < at + length) return undefined;
  return { body: Uint8Array.from(stream.subarray(at, at + length)), next: at + length };
}

function readChunks(stream: Buffer, start: number): { body: Uint8Array; next: number } | undefined {
  const parts: Uint8Array[] = [];
  let at = start;
  for (;;) {
    const lineEnd = stream.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const text = stream.toString("latin1", at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(text)) throw broken(`chunk size '${text}'`);
    const size = Number.parseInt(text, 16);
    const data = lineEnd + 2;
    if (stream.length < data + size + 2) return undefined;
    if (stream.toString("latin1", data + size, data + size + 2) !== "\r\n") throw broken("no line end behind a chunk");
    at = data + size + 2;
    if (size === 0) return { body: Uint8Array.from(Buffer.concat(parts)), next: at };
    parts.push(stream.subarray(data, data + size));
  }
}
