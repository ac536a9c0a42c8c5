/** The units of a modem's byte stream, before their meaning is known. Text is Latin-1: one character per octet. */
export type AtToken =
  | { readonly kind: "line"; readonly text: string }
  /** A result in numeric form (`V0`): digits ended by CR alone. */
  | { readonly kind: "numeric"; readonly code: number }
  /** `>` with or without its space; nothing follows until the host sends the body. TS 27.005 §3.5.1 */
  | { readonly kind: "prompt" }
  /** Line noise: no printable character in it, or control characters before a line. */
  | { readonly kind: "garbage"; readonly text: string };

/** Where the tokenizer stands between two reads. Make a new one at every open, or half a line survives the unplug. */
export interface LineState {
  /** Characters that are no whole token yet. */
  readonly rest: string;
  /** A prompt was reported without its space; the space may still come. */
  readonly promptTold: boolean;
}

export const freshLine: LineState = { rest: "", promptTold: false };

/** Longer than any answer (an extended-length APDU in hexadecimal); what exceeds it is noise without line ends. */
const maxLength = 140_000;
const ctrlZ = "\x1a";
const loneNumber = /^\d{1,2}$/;
const printable = /[\x21-\x7e]/;
const leadingControls = /^(?:(?!\t)\p{Cc})+/u;

/** The octets as one character each. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/**
 * Takes the next octets of the stream. Lines end at CR, LF or (an echoed body) Ctrl-Z; empty ones are dropped. With
 * `awaitingPrompt` a `>` at the start of a line is reported at once, without waiting for a line end. V.250 §5.7
 */
export function tokenize(
  state: LineState,
  chunk: Uint8Array,
  awaitingPrompt: boolean,
): { readonly state: LineState; readonly tokens: readonly AtToken[] } {
  const text = state.rest + latin1(chunk);
  const tokens: AtToken[] = [];
  let promptTold = state.promptTold;
  let start = 0;
  for (;;) {
    start = skipEmpty(text, start);
    if (promptTold && start < text.length) {
      while (text[start] === "\0") start++;
      if (text[start] === " ") start = skipEmpty(text, start + 1);
      promptTold = false;
    }
    if (start >= text.length) break;
    if (awaitingPrompt) start = skipNoise(text, start, tokens);
    if (start >= text.length) break;
    if (awaitingPrompt && text[start] === ">") {
      if (start + 1 >= text.length) break;
      tokens.push({ kind: "prompt" });
      start += text[start + 1] === " " ? 2 : 1;
      continue;
    }
    const end = lineEnd(text, start);
    if (end < 0) break;
    const line = text.slice(start, text[end] === ctrlZ ? end + 1 : end);
    if (text[end] === "\r" && loneNumber.test(line)) {
      const next = text.slice(end + 1, end + 3);
      if (next === "" || next === "\r") break;
      if (next[0] !== "\n" && next !== "\r\n") {
        tokens.push({ kind: "numeric", code: Number(line) });
        start = end + 1;
        continue;
      }
    }
    pushLine(tokens, line);
    start = end + 1;
  }
  const rest = text.slice(start);
  if (rest.length <= maxLength) return { state: { rest, promptTold }, tokens };
  tokens.push({ kind: "garbage", text: rest });
  return { state: freshLine, tokens };
}

/** True when the rest is something that only a pause can decide: a prompt without space, a numeric result. */
export function awaitsPause(state: LineState): boolean {
  const first = state.rest.charCodeAt(0);
  return first === 0x3e ? /^>\0* ?\0*$/.test(state.rest) : first >= 0x30 && first <= 0x39 && state.rest.length <= 4;
}

/** The stream paused: specifies what the rest must be then, if it can be determined. */
export function pause(state: LineState): { readonly state: LineState; readonly tokens: readonly AtToken[] } {
  if (/^>\0* ?\0*$/.test(state.rest)) {
    return { state: { rest: "", promptTold: !state.rest.includes(" ") }, tokens: [{ kind: "prompt" }] };
  }
  const number = /^(\d{1,2})\r+$/.exec(state.rest);
  if (number) return { state: freshLine, tokens: [{ kind: "numeric", code: Number(number[1]) }] };
  return { state, tokens: [] };
}

function skipEmpty(text: string, from: number): number {
  let at = from;
  while (text[at] === "\r" || text[at] === "\n") at++;
  return at;
}

/** NULs and other control characters that a line in bad order puts before the prompt. */
function skipNoise(text: string, from: number, tokens: AtToken[]): number {
  let at = from;
  while (at < text.length && isNoise(text.charCodeAt(at))) at++;
  if (at === from || at >= text.length || text[at] !== ">") return from;
  tokens.push({ kind: "garbage", text: text.slice(from, at) });
  return at;
}

/** Controls but TAB, LF, CR and Ctrl-Z, and what a wrong speed makes of octets. */
function isNoise(code: number): boolean {
  return (code < 0x20 && ![0x09, 0x0a, 0x0d, 0x1a].includes(code)) || code >= 0x7f;
}

/** Position of the next CR, LF or Ctrl-Z; a plain loop, since answers are long and this runs for each. */
function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0d || code === 0x0a || code === 0x1a) return at;
  }
  return -1;
}

function pushLine(tokens: AtToken[], line: string): void {
  if (!printable.test(line)) {
    tokens.push({ kind: "garbage", text: line });
    return;
  }
  const noise = leadingControls.exec(line)?.[0] ?? "";
  if (noise !== "") tokens.push({ kind: "garbage", text: noise });
  // NULs inside a line are the line's, never the modem's words.
  const text = line.slice(noise.length).replaceAll("\0", "");
  tokens.push(/^> ?$/.test(text) ? { kind: "prompt" } : { kind: "line", text });
}
