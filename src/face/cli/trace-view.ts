import type { Writable } from "node:stream";
import type { ApiClient } from "./client.ts";
import type { CliContext } from "./context.ts";
import { FramePrinter } from "./trace-text.ts";
import type { TracedFrame } from "./traced-frame.ts";

type Query = Readonly<Record<string, string | undefined>>;

/**
 * Prints frames, decoded (or as they are, with `--json`), as they pass, until `signal` aborts. Frames of one job are
 * printed from its first to its last, also those that passed before the call and at its end.
 */
export async function followTrace(
  context: CliContext,
  api: ApiClient,
  query: Query,
  signal: AbortSignal,
  out: Writable = context.terminal.err,
): Promise<void> {
  const { terminal } = context;
  using printer = new FramePrinter(terminal, (text) => void out.write(text));
  let last = 0;
  const take = (line: string): void => {
    if (line === "") return;
    const frame: TracedFrame = JSON.parse(line);
    if (frame.seq <= last) return;
    last = frame.seq;
    if (terminal.json) out.write(`${line}\n`);
    else printer.take(frame);
  };
  const kept = async (): Promise<void> => {
    if (query.job === undefined) return;
    for await (const line of api.v1.traces.list({ query })) take(line);
  };
  const live = api.v1.traces.live({ query, signal })[Symbol.asyncIterator]();
  // Reading the past before the connection is open would miss the frames in between.
  let next = live.next();
  // The stream may end meanwhile; its failure is handled below.
  next.catch(() => undefined);
  await kept();
  try {
    for (let one = await next; one.done !== true; one = await next) {
      take(one.value);
      next = live.next();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  await kept();
}
