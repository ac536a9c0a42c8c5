import type { ApiClient } from "./client.ts";
import type { CliContext } from "./context.ts";
import { explainFrame, type TracedFrame } from "./trace-text.ts";

/** Prints frames, decoded, as they pass, until `signal` aborts. */
export async function followTrace(
  context: CliContext,
  api: ApiClient,
  query: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  for await (const line of api.lines("/v1/traces/live", query, signal)) {
    if (line === "") continue;
    const frame = JSON.parse(line) as TracedFrame;
    context.terminal.err.write(explainFrame(frame, context.terminal));
  }
}
