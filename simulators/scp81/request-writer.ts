import type { AgentDeviations } from "./agent-deviations.ts";

/** One POST of a card. */
export interface CardRequest {
  readonly uri: string;
  readonly host: string;
  readonly agentId: string;
  readonly resume: boolean;
  /** Response to a script; its body is absent when the card could not pass the script to an application. */
  readonly response?: { readonly status: string; readonly contentType: string; readonly body?: Uint8Array };
}

/** The octets of a POST as this card spells it. GP Amendment B §3.4.1 */
export function requestOctets(request: CardRequest, deviations: AgentDeviations): Uint8Array {
  const body = request.response?.body;
  const eol = deviations.lineEnd === "lf" ? "\n" : "\r\n";
  const target = deviations.requestTarget === "absolute" ? `https://${request.host}${request.uri}` : request.uri;
  const lines = [`POST ${target} HTTP/1.1${deviations.trailingSpaceAfterVersion ? " " : ""}`];
  const put = (name: string, value: string) => lines.push(headerLine(name, value, deviations));
  if (!deviations.omitHost) put("Host", request.host);
  put("X-Admin-Protocol", "globalplatform-remote-admin/1.0");
  put("X-Admin-From", request.agentId);
  if (body !== undefined) {
    put("Content-Type", request.response?.contentType ?? "");
    if (deviations.framing === "length") put("Content-Length", String(body.length));
    else put("Transfer-Encoding", "chunked");
  } else if (deviations.contentLengthZero) put("Content-Length", "0");
  if (request.response !== undefined) put("X-Admin-Script-Status", deviations.scriptStatus ?? request.response.status);
  if (request.resume) put("X-Admin-Resume", "true");
  const head = Buffer.from(lines.map((line) => line + eol).join("") + eol, "latin1");
  if (body === undefined) return Buffer.concat([head, Buffer.from(deviations.strayLastChunk ? "0\r\n" : "")]);
  return Buffer.concat([head, deviations.framing === "length" ? body : chunked(body, deviations)]);
}

function headerLine(name: string, value: string, { headerCase, spacing }: AgentDeviations): string {
  const spelled = headerCase === "lower" ? name.toLowerCase() : headerCase === "upper" ? name.toUpperCase() : name;
  switch (spacing) {
    case "no-space":
      return `${spelled}:${value}`;
    case "trailing-space":
      return `${spelled}: ${value} `;
    case "space-before-colon":
      return `${spelled} : ${value}`;
    default:
      return `${spelled}: ${value}`;
  }
}

function chunked(body: Uint8Array, deviations: AgentDeviations): Uint8Array {
  const sizes = deviations.chunkSizes ?? [];
  const parts: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < body.length; turn++) {
    const size = Math.max(1, sizes[turn % Math.max(1, sizes.length)] ?? 256);
    const chunk = body.subarray(at, at + size);
    parts.push(Buffer.from(`${sizeText(chunk.length, deviations)}\r\n`), chunk, Buffer.from("\r\n"));
    at += chunk.length;
  }
  parts.push(Buffer.from(deviations.lastChunk === "no-final-crlf" ? "0\r\n" : "0\r\n\r\n"));
  return Buffer.concat(parts);
}

function sizeText(size: number, { chunkSizeSpelling }: AgentDeviations): string {
  const text = size.toString(16);
  switch (chunkSizeSpelling) {
    case "upper":
      return text.toUpperCase();
    case "leading-zeros":
      return text.padStart(8, "0");
    case "trailing-space":
      return `${text} `;
    default:
      return text;
  }
}
