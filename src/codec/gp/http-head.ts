import { codecError } from "../../base/gateway-error.ts";

/** Request line and headers as a card sent them. */
export interface RequestHead {
  /** Upper case. */
  readonly method: string;
  /** Verbatim, absolute forms and inner spaces included. */
  readonly uri: string;
  readonly version: "1.0" | "1.1";
  /** By lower-case name; values trimmed, control characters removed, repeated ones in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** How many octets of body follow a head. */
type BodyFraming = { readonly at: "none" } | { readonly at: "chunked" } | { readonly at: "length"; octets: number };

const maxHeaders = 64;
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const headerLine = new RegExp(`^(${token})[ \\t]*:(.*)$`, "s");

/** Whether a line is a header and no request line, spaces before the colon allowed. */
export function looksLikeHeader(line: string): boolean {
  return headerLine.test(line);
}

/**
 * Reads a head (Latin-1 text up to its empty line, which may be included). Takes what cards send: LF for CRLF, no or
 * many spaces around colons and at line ends, obsolete folding, any letter case, URIs with spaces.
 * RFC 9112 §3, §5
 * @throws codec.text with the character offset
 */
export function parseRequestHead(text: string): RequestHead {
  const lines = text.split("\n");
  let offset = 0;
  let first: Pick<RequestHead, "method" | "uri" | "version"> | undefined;
  const headers = new Map<string, string[]>();
  let count = 0;
  let last: string[] | undefined;
  for (const raw of lines) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (first === undefined) {
      if (line.trim() !== "") first = requestLine(line, offset);
    } else if (line !== "") {
      if (++count > maxHeaders) throw codecError("codec.text", `more than ${maxHeaders} header lines`, offset);
      if (last !== undefined && (line.startsWith(" ") || line.startsWith("\t"))) {
        last.push(clean(`${last.pop() ?? ""} ${line.trim()}`));
      } else last = addHeader(headers, line, offset);
    }
    offset += raw.length + 1;
  }
  if (first === undefined) throw codecError("codec.text", "no request line", 0);
  return { ...first, headers };
}

function addHeader(headers: Map<string, string[]>, line: string, offset: number): string[] {
  const [, name, value] = headerLine.exec(line) ?? [];
  if (name === undefined || value === undefined) throw codecError("codec.text", "not a header line", offset);
  const key = name.toLowerCase();
  const all = headers.get(key) ?? [];
  all.push(clean(value));
  headers.set(key, all);
  return all;
}

function clean(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: cards send them, values must not keep them
  return value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, "").trim();
}

function requestLine(line: string, offset: number): Pick<RequestHead, "method" | "uri" | "version"> {
  const text = line.trim();
  const space = text.search(/[ \t]/);
  const version = text.toUpperCase().lastIndexOf("HTTP/");
  const uri = text.slice(space, version).trim();
  const before = text[version - 1];
  if (space < 0 || version < space || (before !== " " && before !== "\t") || uri === "") {
    throw codecError("codec.text", "not a request line", offset);
  }
  const number = text.slice(version + 5);
  if (number !== "1.1" && number !== "1.0") {
    throw codecError("codec.text", "only HTTP/1.0 and HTTP/1.1 are spoken", offset + version);
  }
  const method = text.slice(0, space);
  if (!/^[A-Za-z]{1,16}$/.test(method)) throw codecError("codec.text", "not a method", offset);
  return { method: method.toUpperCase(), uri: clean(uri), version: number };
}

/** The only value of a header, or the first of several. */
export function header(head: RequestHead, name: string): string | undefined {
  return head.headers.get(name)?.[0];
}

/**
 * Where the body ends. Chunked wins over a length beside it; a repeated length must agree with itself. RFC 9112 §6
 * @throws codec.text for contradictions and codings other than chunked
 */
export function bodyFraming(head: RequestHead): BodyFraming {
  const codings = (head.headers.get("transfer-encoding") ?? []).flatMap((value) => value.toLowerCase().split(","));
  const named = codings.map((coding) => coding.trim()).filter((coding) => coding !== "" && coding !== "identity");
  if (named.length > 0) {
    if (named.length === 1 && named[0] === "chunked") return { at: "chunked" };
    throw codecError("codec.text", `transfer coding '${named.join(", ").slice(0, 40)}'`, 0);
  }
  const lengths = (head.headers.get("content-length") ?? []).flatMap((value) => value.split(","));
  const [length, ...others] = lengths.map((value) => value.trim());
  if (length === undefined) return { at: "none" };
  if (!/^\d{1,15}$/.test(length) || others.some((other) => other !== length)) {
    throw codecError("codec.text", "Content-Length is not one number", 0);
  }
  return { at: "length", octets: Number(length) };
}
