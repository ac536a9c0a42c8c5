import type { Writable } from "node:stream";
import { stripVTControlCharacters, styleText } from "node:util";
import { visibleLines, visibleValue } from "./visible.ts";

/** The output of the command line; results on `out`, everything else on `err`. */
export interface Terminal {
  readonly out: Writable;
  readonly err: Writable;
  /** Colors and live progress are enabled. */
  readonly fancy: boolean;
  /** Machine-readable output was requested. */
  json: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** Colored text on a terminal, plain text elsewhere. */
export function paint(terminal: Terminal, style: Style, text: string): string {
  return terminal.fancy ? styleText(style, text) : text;
}

/**
 * A result: JSON with `--json`, otherwise the text that `text` makes of it. Texts of the value come from cards,
 * networks and other clients: controls in them are spelled out before they are laid out.
 */
export function result<T>(terminal: Terminal, value: T, text: (value: T) => string): void {
  terminal.out.write(
    terminal.json ? `${JSON.stringify(value)}\n` : shownLines(terminal, ensureLine(text(visibleValue(value)))),
  );
}

/** Prints a line about progress, which is not part of the result. */
export function printStatus(terminal: Terminal, text: string): void {
  terminal.err.write(shownLines(terminal, ensureLine(text)));
}

/** Writes a document unchanged; on a terminal, control characters are spelled out. */
export function writeDocument(terminal: Terminal, text: string): void {
  terminal.out.write(
    process.stdout.isTTY === true && terminal.out === process.stdout ? visibleLines(text, false) : text,
  );
}

/** Lines for display, without control characters except for our own colors. */
export function shownLines(terminal: Terminal, text: string): string {
  return visibleLines(text, terminal.fancy);
}

function ensureLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Columns of the terminal for results; unlimited if the output is not a terminal. */
function terminalColumns(): number {
  return process.stdout.isTTY === true && process.stdout.columns > 0
    ? process.stdout.columns
    : Number.POSITIVE_INFINITY;
}

const gap = "  ";
/** No column is made narrower than this, however narrow the terminal is. */
const minColumn = 8;

/** Rows under a header. Columns are as wide as they need to be, and the widest ones are cut to fit `columns`. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number = terminalColumns(),
): string {
  const needed = header.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? "").length), title.length),
  );
  const widths = fitted(needed, columns - gap.length * (header.length - 1));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cut(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
      .join(gap)
      .trimEnd();
  return `${[header, ...rows].map(line).join("\n")}\n`;
}

/** The widths with the widest ones lowered until their sum is `room`, or none can be lowered any further. */
function fitted(widths: readonly number[], room: number): number[] {
  const lowered = [...widths];
  let excess = lowered.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...lowered);
    if (widest <= minColumn) break;
    const next = Math.max(minColumn, ...lowered.filter((width) => width < widest));
    const wide = lowered.filter((width) => width === widest).length;
    const step = Math.max(1, Math.min(widest - next, Math.ceil(excess / wide)));
    for (const [column, width] of lowered.entries()) if (width === widest) lowered[column] = width - step;
    excess -= step * wide;
  }
  return lowered;
}

/** The text in at most `width` characters, without its colors if it is cut; an ellipsis stands for what is missing. */
export function cut(text: string, width: number): string {
  const plain = stripVTControlCharacters(text);
  return plain.length <= width ? text : `${plain.slice(0, Math.max(0, width - 1))}…`;
}

/** A time for display. */
export function when(ms: number | undefined): string {
  return ms === undefined ? "" : new Date(ms).toISOString().replace("T", " ").slice(0, 19);
}

/** A duration for display: `36 ms`, `12.3 s`, `1 min 44 s`, `2 h 5 min`. */
export function elapsed(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One line that is rewritten during long work; not printed if the output is not a terminal. */
export class Progress {
  readonly #terminal: Terminal;
  #shown = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    if (!this.#terminal.fancy || this.#terminal.json) return;
    // A line that wraps could not be rewritten.
    this.#terminal.err.write(
      `\r\u001b[K${cut(shownLines(this.#terminal, text.replaceAll("\n", " ")), terminalColumns() - 1)}`,
    );
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.#terminal.err.write("\r\u001b[K");
    this.#shown = false;
  }
}
