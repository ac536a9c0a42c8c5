import { fromHex } from "../../base/hex.ts";
import { readAgentId } from "../../codec/gp/agent-id.ts";
import { readTargetedApplication } from "../../codec/gp/targeted-application.ts";
import type { Context } from "../context.ts";
import { applicationText } from "../names.ts";
import { type Branch, branchOf, type Node } from "../tree.ts";
import { type Headers, httpBody } from "./http-body.ts";

const latin1 = new TextDecoder("latin1");

/** Longest start line that is looked at when octets are recognized. */
const startLimit = 4096;

const request = /^[A-Z]{3,10} [^\r\n]* HTTP\/1\.[01]\r?\n/;
const answer = /^HTTP\/1\.[01] \d{3}[^\r\n]*\r?\n/;
const cutRequest = /^(GET|POST|PUT|HEAD|DELETE|OPTIONS) \/[\x20-\x7e]*$/;

/** How sure it is that octets start with an HTTP message. */
export function httpScore(octets: Uint8Array): number {
  const first = octets[0] ?? 0;
  if (first < 0x41 || first > 0x5a || octets.length < 8) return 0;
  const start = latin1.decode(octets.subarray(0, startLimit));
  if (request.test(start) || answer.test(start)) return 98;
  return cutRequest.test(start) ? 70 : 0;
}

/** HTTP requests and answers as SCP81 carries them. RFC 9112, GP Amendment B §3.4 */
export function httpNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "HTTP",
    octets,
    base,
    (branch) => {
      while (!branch.from.ended) {
        const rest = branch.from.bytes.subarray(branch.from.offset - branch.from.base);
        if (branch.children.length > 0 && httpScore(rest) < 90) break;
        const node = message(branch, context);
        branch.addWords(node.value);
      }
      return branch.words;
    },
    { clause: "RFC 9112, GP Amendment B §3.4" },
  );
}

/** One message: its head specifies where its body ends. */
function message(branch: Branch, context: Context): Node {
  const { from } = branch;
  const offset = from.offset;
  const octets = from.bytes.subarray(offset - from.base);
  const inner = { taken: 0 };
  const node = branchOf("HTTP message", octets, offset, (part) => {
    const start = line(part);
    const isAnswer = start.startsWith("HTTP/");
    part.value = isAnswer ? `HTTP answer ${start.slice(9)}` : `HTTP request ${start.replace(/ HTTP\/1\.[01]$/, "")}`;
    const headers = headersOf(part);
    const status = isAnswer ? Number(start.slice(9, 12)) : undefined;
    const words = httpBody(part, headers, status, context);
    inner.taken = part.from.offset - offset;
    // What follows belongs to the next message.
    if (!part.from.ended) part.from.rest();
    const said = [part.value, ...headerSummary(headers), ...(words === undefined ? [] : [words])];
    return said.join(", ");
  });
  const length = inner.taken === 0 ? octets.length : inner.taken;
  from.take(length);
  return branch.add({ ...node, length });
}

/** Octets up to the end of a line, and its text without that end. */
function line(branch: Branch, label?: string): string {
  const { from } = branch;
  const start = from.offset - from.base;
  const end = from.bytes.indexOf(0x0a, start);
  const length = (end < 0 ? from.bytes.length : end + 1) - start;
  const said = latin1.decode(from.bytes.subarray(start, start + length)).replace(/\r?\n$/, "");
  const [name = "", value = ""] = headerParts(said) ?? [];
  if (name !== "" && secretHeaders.has(name.toLowerCase())) branch.secret(name, length);
  else {
    const offset = from.offset;
    from.take(length);
    const words = label ?? headerWords(name.toLowerCase(), value);
    branch.add({
      label: said === "" ? "end of the head" : "line",
      ...(said === "" ? {} : { value: words === undefined ? said : `${said}  (${words})` }),
      offset,
      length,
      children: [],
    });
  }
  return said;
}

/** Headers that carry a login. */
const secretHeaders = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);

function headerParts(text: string): readonly [string, string] | undefined {
  const colon = text.indexOf(":");
  const name = text.slice(0, colon).trim();
  return colon <= 0 || /[^\x21-\x7e]/.test(name) ? undefined : [name, text.slice(colon + 1).trim()];
}

function headersOf(branch: Branch): Headers {
  const headers = new Map<string, string>();
  while (!branch.from.ended) {
    const text = line(branch);
    if (text === "") break;
    const parts = headerParts(text);
    if (parts !== undefined) headers.set(parts[0].toLowerCase(), parts[1]);
  }
  return headers;
}

/** Headers of GP Amendment B as text; undefined where their text states it all. */
function headerWords(name: string, value: string): string | undefined {
  if (name === "x-admin-from") {
    const agent = readAgentId(value);
    return agent === undefined ? undefined : `EID ${agent.eid}, ${applicationText(fromHex(agent.aid))}`;
  }
  if (name !== "x-admin-targeted-application") return undefined;
  try {
    return applicationText(fromHex(readTargetedApplication(value)));
  } catch {
    return undefined;
  }
}

/** Text of the GP Amendment B headers, for the line of the message. */
function headerSummary(headers: Headers): string[] {
  const said: string[] = [];
  for (const [name, what] of [
    ["x-admin-from", "from"],
    ["x-admin-targeted-application", "to"],
    ["x-admin-script-status", "script status"],
    ["x-admin-next-uri", "next URI"],
  ] as const) {
    const value = headers.get(name);
    if (value !== undefined) said.push(`${what} ${headerWords(name, value) ?? value}`);
  }
  if (headers.get("x-admin-resume") === "true") said.push("resumes");
  return said;
}
