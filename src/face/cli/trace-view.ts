import type { Writable } from "node:stream";
import type { ApiClient } from "./client.ts";
import type { CliContext } from "./context.ts";
import { FramePrinter } from "./trace-text.ts";
import type { TracedFrame } from "./traced-frame.ts";

/** Prints frames, decoded (or as they are, with `--json`), as they pass, until `signal` aborts. */
export async function followTrace(
  context: CliContext,
  api: ApiClient,
  query: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  out: Writable = context.terminal.err,
): Promise<void> {
  const { terminal } = context;
  using printer = new FramePrinter(terminal, (text) => void out.write(text));
  for await (const line of api.lines("/v1/traces/live", query, signal)) {
    if (line === "") continue;
    if (terminal.json) {
      out.write(`${line}\n`);
      continue;
    }
    const frame: TracedFrame = JSON.parse(line);
    printer.take(frame);
  }
}
