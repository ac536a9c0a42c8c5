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
  await printFrames(context, api.lines("/v1/traces/live", query, signal), out);
}

/** Prints frames that come as lines, those of one job only when `job` says so. */
export async function printFrames(
  { terminal }: CliContext,
  lines: AsyncIterable<string>,
  out: Writable,
  job?: string,
): Promise<void> {
  using printer = new FramePrinter(terminal, (text) => void out.write(text));
  for await (const line of lines) {
    if (line === "") continue;
    const frame: TracedFrame = JSON.parse(line);
    if (job !== undefined && frame.job !== job) continue;
    if (terminal.json) out.write(`${line}\n`);
    else printer.take(frame);
  }
}
