import { concatBytes } from "../../base/hex.ts";
import { targetedApplication } from "./targeted-application.ts";

/** Value of `X-Admin-Protocol`. GP Amendment B §3.4.1 */
export const adminProtocol = "globalplatform-remote-admin/1.0";

/** Content types of command and response scripts, by kind. GP Amendment B §3.4, TS 102 226 §5.2 */
const scriptContentTypes = {
  gp: {
    command: "application/vnd.globalplatform.card-content-mgt;version=1.0",
    response: "application/vnd.globalplatform.card-content-mgt-response;version=1.0",
  },
  etsi: {
    command: "application/vnd.etsi.scp.command-data;version=1.0",
    response: "application/vnd.etsi.scp.response-data;version=1.0",
  },
} as const;

/** `gp`: card content management; `etsi`: remote file or applet management of an application. */
export type ScriptKind = keyof typeof scriptContentTypes;

/** The script kind that a content type announces, parameters and letter case aside. */
export function scriptKindOf(contentType: string): { kind: ScriptKind; direction: "command" | "response" } | undefined {
  const bare = mediaType(contentType);
  for (const kind of ["gp", "etsi"] as const) {
    for (const direction of ["command", "response"] as const) {
      if (mediaType(scriptContentTypes[kind][direction]) === bare) return { kind, direction };
    }
  }
  return undefined;
}

function mediaType(value: string): string {
  return (value.split(";")[0] ?? "").trim().toLowerCase();
}

/** The path and query of a request target; absolute forms lose scheme and authority. */
export function originForm(uri: string): string {
  const [, path] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(uri) ?? [];
  if (path === undefined) return uri;
  return path.startsWith("/") ? path : `/${path}`;
}

/** What a server states to a POST. GP Amendment B §3.4.2 */
export interface AdminAnswer {
  readonly status: number;
  readonly nextUri?: string;
  readonly script?: {
    readonly kind: ScriptKind;
    /** AID in hexadecimal; absent = the security domain that owns the PSK. */
    readonly target?: string;
    readonly body: Uint8Array;
  };
}

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  204: "No Content",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
};

/** Head of an answer: the headers of Amendment B and not one more, since some cards have small buffers. */
function adminAnswerHead(answer: AdminAnswer, framing: "chunked" | "length"): string {
  const lines = [
    `HTTP/1.1 ${answer.status} ${reasons[answer.status] ?? "Error"}`,
    `X-Admin-Protocol: ${adminProtocol}`,
  ];
  if (answer.nextUri !== undefined) lines.push(`X-Admin-Next-URI: ${answer.nextUri}`);
  const script = answer.script;
  if (script !== undefined) {
    lines.push(`Content-Type: ${scriptContentTypes[script.kind].command}`);
    if (script.target !== undefined) {
      lines.push(`X-Admin-Targeted-Application: ${targetedApplication(script.target)}`);
    }
    lines.push(framing === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${script.body.length}`);
  } else if (answer.status !== 204) {
    lines.push("Content-Length: 0");
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** The whole answer in octets; chunks hold at most `chunkOctets`. */
export function adminAnswerOctets(
  answer: AdminAnswer,
  framing: "chunked" | "length",
  chunkOctets: number,
): { readonly head: string; readonly octets: Uint8Array } {
  const head = adminAnswerHead(answer, framing);
  const body = answer.script?.body;
  const headOctets = Buffer.from(head, "latin1");
  if (body === undefined) return { head, octets: headOctets };
  if (framing === "length") return { head, octets: concatBytes(headOctets, body) };
  return { head, octets: concatBytes(headOctets, ...chunkedParts(body, chunkOctets)) };
}

/** A body in chunked transfer coding. RFC 9112 §7.1 */
export function chunkedParts(body: Uint8Array, chunkOctets: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += chunkOctets) {
    const chunk = body.subarray(at, at + chunkOctets);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`, "latin1"), chunk, crlf);
  }
  parts.push(lastChunk);
  return parts;
}

const crlf = Uint8Array.of(0x0d, 0x0a);
const lastChunk = Uint8Array.of(0x30, 0x0d, 0x0a, 0x0d, 0x0a);
