import { codecError } from "../../../base/gateway-error.ts";

/** One step of a recorded dialog. Text is Latin-1, one character per octet. */
export type TranscriptStep =
  | { readonly kind: "sent"; readonly text: string }
  /** One read: the boundaries are part of the record. */
  | { readonly kind: "received"; readonly text: string }
  | { readonly kind: "delay"; readonly ms: number }
  /** `timeout`: the host abandoned the command in flight; `port-gone`, `port-back`: the device left and returned. */
  | { readonly kind: "event"; readonly name: "timeout" | "port-gone" | "port-back" }
  /** How the engine must classify a line: role and text. */
  | { readonly kind: "expected"; readonly role: string; readonly text: string };

/** A recorded dialog and the facts about its origin. */
export interface Transcript {
  /** `vendor`, `model`, `title`, `source` … from the lines that start with `#`. */
  readonly facts: Readonly<Record<string, string>>;
  readonly steps: readonly TranscriptStep[];
}

/** Ctrl-Z and ESC: they end or cancel the entry of a body. */
const dataEnds = ["\x1a", "\x1b"];
const events = ["timeout", "port-gone", "port-back"] as const;

/**
 * Reads the text form: `> sent`, `< received`, `@ delay in ms`, `! event`, `= role text`, `# fact: value`. Inside texts
 * `\r \n \\` and `\xNN` stand for octets; a `>` line without an escape at its end gets the CR every command has, and one that ends in `\c` gets
 * nothing: a piece of a body.
 * @throws codec.text with the line number as offset
 */
export function parseTranscript(text: string): Transcript {
  const facts: Record<string, string> = {};
  const steps: TranscriptStep[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const value = line.slice(2);
    switch (line[0]) {
      case "#": {
        const fact = /^# ?([\w-]+): (.*)$/.exec(line);
        if (fact !== null) facts[fact[1] ?? ""] = fact[2] ?? "";
        break;
      }
      case ">":
        steps.push({ kind: "sent", text: sentText(value, index) });
        break;
      case "<":
        steps.push({ kind: "received", text: fromEscapes(value, index) });
        break;
      case "@":
        steps.push({ kind: "delay", ms: milliseconds(value, index) });
        break;
      case "!":
        steps.push({ kind: "event", name: eventName(value.trim(), index) });
        break;
      case "=": {
        const expected = /^(\w+) ?(.*)$/.exec(value);
        steps.push({ kind: "expected", role: expected?.[1] ?? "", text: fromEscapes(expected?.[2] ?? "", index) });
        break;
      }
      default:
        throw codecError("codec.text", `line ${index + 1} must start with # > < @ ! or =`, index);
    }
  }
  return { facts, steps };
}

/** Writes the text form. */
export function formatTranscript({ facts, steps }: Transcript): string {
  const lines = Object.entries(facts).map(([name, value]) => `# ${name}: ${value}`);
  for (const step of steps) {
    if (step.kind === "sent") lines.push(`> ${toEscapes(step.text)}${isEnded(step.text) ? "" : pieceMark}`);
    else if (step.kind === "received") lines.push(`< ${toEscapes(step.text)}`);
    else if (step.kind === "delay") lines.push(`@ ${step.ms}`);
    else if (step.kind === "event") lines.push(`! ${step.name}`);
    else lines.push(`= ${step.role} ${toEscapes(step.text)}`);
  }
  return `${lines.join("\n")}\n`;
}

const pieceMark = "\\c";

function sentText(value: string, index: number): string {
  if (/(?<!\\)(?:\\\\)*\\c$/.test(value)) return fromEscapes(value.slice(0, -pieceMark.length), index);
  const text = fromEscapes(value, index);
  return isEnded(text) ? text : `${text}\r`;
}

/** Whether a text ends as commands and bodies do; otherwise it continues. */
export function isEnded(text: string): boolean {
  return /[\r\n]$/.test(text) || dataEnds.some((mark) => text.endsWith(mark));
}

function milliseconds(value: string, index: number): number {
  const match = /^(\d+)(?: ?ms)?$/.exec(value.replace(/^delay /, "").trim());
  if (match === null)
    throw codecError("codec.text", `line ${index + 1}: ${value} is not a number of milliseconds`, index);
  return Number(match[1]);
}

function eventName(value: string, index: number): (typeof events)[number] {
  const name = events.find((event) => event === value);
  if (name === undefined) throw codecError("codec.text", `line ${index + 1}: unknown event ${value}`, index);
  return name;
}

function fromEscapes(text: string, index: number): string {
  return text.replace(/\\(r|n|t|0|e|\\|x[0-9a-fA-F]{2}|.?)/g, (_, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const character = { r: "\r", n: "\n", t: "\t", "0": "\0", e: "\x1b", "\\": "\\" }[code];
    if (character === undefined)
      throw codecError("codec.text", `line ${index + 1}: \\${code} is not a valid escape`, index);
    return character;
  });
}

function toEscapes(text: string): string {
  return text.replace(/[\\\p{Cc}\u00a0-\u00ff]/gu, (character) => {
    if (character === "\r") return "\\r";
    if (character === "\n") return "\\n";
    if (character === "\\") return "\\\\";
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
