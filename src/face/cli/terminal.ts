import type { Writable } from "node:stream";
import { styleText } from "node:util";

/** What the command line writes to; results on `out`, everything else on `err`. */
export interface Terminal {
  readonly out: Writable;
  readonly err: Writable;
  /** Colour and live progress are wanted. */
  readonly fancy: boolean;
  /** Machine-readable output was asked for. */
  json: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** Coloured text on a terminal, plain text elsewhere. */
export function paint(terminal: Terminal, style: Style, text: string): string {
  return terminal.fancy ? styleText(style, text) : text;
}

/** A result: JSON with `--json`, else the text that `people` makes of it. */
export function result<T>(terminal: Terminal, value: T, people: (value: T) => string): void {
  terminal.out.write(terminal.json ? `${JSON.stringify(value)}\n` : ensureLine(people(value)));
}

/** A line about what is going on, not part of the result. */
export function say(terminal: Terminal, text: string): void {
  terminal.err.write(ensureLine(text));
}

function ensureLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Rows under a header, columns as wide as they need to be. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return `${[header, ...rows].map(line).join("\n")}\n`;
}

/** A moment as people read it. */
export function when(ms: number | undefined): string {
  return ms === undefined ? "" : new Date(ms).toISOString().replace("T", " ").slice(0, 19);
}

/** One line that is rewritten while something takes its time; nothing when output is not a terminal. */
export class Progress {
  readonly #terminal: Terminal;
  #shown = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    if (!this.#terminal.fancy || this.#terminal.json) return;
    this.#terminal.err.write(`\r\u001b[K${text}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.#terminal.err.write("\r\u001b[K");
    this.#shown = false;
  }
}
