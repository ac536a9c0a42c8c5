import { fromHex } from "../../base/hex.ts";
import { describePdu } from "../../codec/smpp/describe.ts";
import { fileName } from "../../explain/names.ts";
import { paint, shownLines, type Terminal } from "./terminal.ts";
import { apduWords, type FrameWords, octetWords, scriptWords } from "./trace-words.ts";
import type { TracedFrame } from "./traced-frame.ts";

/** Octets per line of a frame. */
const perLine = 48;
/** A command that waits for its answer longer than this is printed without it. */
const patienceMs = 250;

/** Kinds whose text begins with their name. */
const selfNamed = new Set(["apdu", "atr", "tpdu", "packet", "script"]);

interface LinkState {
  /** A command that was sent and not printed yet. */
  waiting?: TracedFrame | undefined;
  /** The last command, whose answer a GET RESPONSE would fetch. */
  sent?: Uint8Array | undefined;
  asked?: Uint8Array | undefined;
  file?: string | undefined;
}

/**
 * Frames as text: a line with time, direction, link and meaning of the frame; below it the octets, and the contents of
 * a packet. A command and its answer share a line if the answer arrives at once.
 */
export class FramePrinter implements Disposable {
  readonly #terminal: Terminal;
  readonly #write: (text: string) => void;
  readonly #links = new Map<string, LinkState>();
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, write: (text: string) => void) {
    this.#terminal = terminal;
    this.#write = (text) => write(shownLines(terminal, text));
  }

  take(frame: TracedFrame): void {
    if (frame.kind === "apdu" && frame.hex !== undefined) {
      this.#apdu(frame, fromHex(frame.hex));
      return;
    }
    this.#alone(frame.link);
    this.#show(frame, frame.dir === "out" ? "->" : "<-", wordsOf(frame), octetsOf(frame));
  }

  /** Prints commands that still wait for their answer. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const link of this.#links.keys()) this.#alone(link);
  }

  /** Prints the command of a link that waits for its answer. */
  #alone(link: string): void {
    const state = this.#links.get(link);
    if (state?.waiting === undefined) return;
    const { waiting, sent } = state;
    state.waiting = undefined;
    this.#show(waiting, "->", apduWords(sent, undefined), [`> ${waiting.hex}`]);
  }

  [Symbol.dispose](): void {
    this.flush();
  }

  #apdu(frame: TracedFrame, octets: Uint8Array): void {
    const state = this.#links.get(frame.link) ?? {};
    this.#links.set(frame.link, state);
    if (frame.dir === "out") {
      this.#alone(frame.link);
      // The answer of GET RESPONSE belongs to the command before it.
      const fetches = octets[1] === 0xc0 && octets.length === 5;
      const asked = fetches ? state.asked : octets;
      this.#links.set(frame.link, { waiting: frame, sent: octets, asked, file: selectedFile(octets) ?? state.file });
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.flush(), patienceMs);
      this.#timer.unref();
      return;
    }
    const { waiting, sent, asked, file } = state;
    if (waiting === undefined) {
      this.#show(frame, "<-", apduWords(undefined, octets, { asked }), [`< ${frame.hex}`]);
      return;
    }
    state.waiting = undefined;
    this.#show(waiting, "<>", apduWords(sent, octets, { asked, file }), [`> ${waiting.hex}`, `< ${frame.hex}`]);
  }

  #show(frame: TracedFrame, way: "->" | "<-" | "<>", words: FrameWords, octets: readonly string[]): void {
    const terminal = this.#terminal;
    const dim = (text: string) => paint(terminal, "dim", text);
    const time = new Date(frame.at).toISOString().slice(11, 23);
    const colour = way === "<-" ? "magenta" : "cyan";
    const hidden =
      frame.facts?.hidden === undefined
        ? ""
        : ` ${paint(terminal, "yellow", `[hidden: ${String(frame.facts.hidden)}]`)}`;
    const kind = selfNamed.has(frame.kind) ? "" : `${frame.kind} `;
    const lines = [`${dim(time)} ${paint(terminal, colour, way)} ${dim(frame.link)} ${kind}${words.title}${hidden}`];
    const pad = " ".repeat(16);
    for (const line of octets) lines.push(...cut(line).map((part) => `${pad}${dim(part)}`));
    for (const line of words.below) lines.push(`${pad}${line}`);
    this.#write(`${lines.join("\n")}\n`);
  }
}

/** The file that a SELECT by identifier or path makes the current one; empty for an application. */
function selectedFile(command: Uint8Array): string | undefined {
  if (command[1] !== 0xa4) return undefined;
  const data = command.subarray(5, 5 + (command[4] ?? 0));
  if (command[2] === 0x04 || data.length < 2) return "";
  return fileName((data.at(-2) ?? 0) * 256 + (data.at(-1) ?? 0)) ?? "";
}

/** A long run of octets over several lines. */
function cut(line: string): string[] {
  const [sign = "", hex = ""] = [line.slice(0, 2), line.slice(2)];
  const parts: string[] = [];
  for (let at = 0; at < hex.length; at += perLine * 2) {
    parts.push(`${at === 0 ? sign : "  "}${hex.slice(at, at + perLine * 2)}`);
  }
  return parts;
}

function octetsOf(frame: TracedFrame): string[] {
  if (frame.hex !== undefined) return [`${frame.dir === "out" ? ">" : "<"} ${frame.hex}`];
  // The first line of a text is part of the frame's own line.
  return [];
}

function wordsOf(frame: TracedFrame): FrameWords {
  if (frame.kind === "packet") return packetWords(frame);
  if (frame.hex === undefined) return textWords(frame);
  const octets = fromHex(frame.hex);
  switch (frame.kind) {
    case "atr":
      return octetWords("atr", octets);
    case "tpdu":
      return octetWords("sms-tpdu", octets);
    case "smpp":
      return smppWords(octets);
    case "script":
      return scriptWords(octets, frame.dir, frame.dir === "in");
    default:
      return { title: `${octets.length} octets${factText(frame.facts)}`, below: [] };
  }
}

function smppWords(octets: Uint8Array): FrameWords {
  const { command, sequence, status, problem } = describePdu(octets);
  const end = status === undefined || status === "ESME_ROK" ? "" : `, ${status}`;
  return { title: `${command} ${sequence}${end}`, below: problem === undefined ? [] : [`✗  ${problem}`] };
}

function textWords(frame: TracedFrame): FrameWords {
  const [first = "", ...rest] = (frame.text ?? "").split(/\r?\n/);
  const facts = factText(frame.facts);
  return { title: `${first}${frame.kind === "at" ? "" : facts}`, below: rest.filter((line) => line !== "") };
}

function factText(facts: TracedFrame["facts"]): string {
  const shown = Object.entries(facts ?? {}).filter(([name, value]) => name !== "hidden" && value !== undefined);
  if (shown.length === 0) return "";
  return ` (${shown.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(", ")})`;
}

/** A packet as the gateway built or opened it: facts only, its octets are in the frames that carried it. */
function packetWords({ facts = {}, dir }: TracedFrame): FrameWords {
  const { tar, cntr, status, statusName, authenticated, segments, spi, kic, kid, note, transmission } = facts;
  const number = typeof cntr === "number" ? ` CNTR ${cntr.toString(16).toUpperCase().padStart(10, "0")}` : "";
  const head = `${dir === "out" ? "command" : "response"} packet TAR ${String(tar ?? "?")}${number}`;
  if (dir === "in") {
    const proof = authenticated === true ? "" : ", not authenticated";
    const code = typeof status === "number" ? status.toString(16).toUpperCase().padStart(2, "0") : "?";
    return {
      title: `${head}, ${code} ${String(statusName ?? "")}${proof}`,
      below: note === undefined ? [] : [`!  ${String(note)}`],
    };
  }
  const again = typeof transmission === "number" && transmission > 1 ? `, transmission ${transmission}` : "";
  const how = spi === undefined ? "secured upstream" : `SPI ${String(spi)}, KIc ${String(kic)}, KID ${String(kid)}`;
  return { title: `${head}, ${how}, ${String(segments ?? 1)} SMS${again}`, below: [] };
}
