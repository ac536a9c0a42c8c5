import { paint, type Terminal } from "./terminal.ts";

/** A frame as the API hands it out. */
export interface TracedFrame {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly dir: "in" | "out";
  readonly link: string;
  readonly target?: string;
  readonly job?: string;
  readonly session?: string;
  readonly hex?: string;
  readonly text?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** One frame for people: a line with time, direction, link and octets. */
export function explainFrame(frame: TracedFrame, terminal: Terminal): string {
  const time = new Date(frame.at).toISOString().slice(11, 23);
  const arrow = frame.dir === "out" ? paint(terminal, "cyan", "->") : paint(terminal, "magenta", "<-");
  const body = frame.hex ?? frame.text ?? "";
  return `${paint(terminal, "dim", time)} ${arrow} ${frame.kind.padEnd(6)} ${frame.link} ${body}\n`;
}
