import type { Writable } from "node:stream";
import type { ApiClient } from "./client.ts";
import type { CliContext } from "./context.ts";
import { FramePrinter } from "./trace-text.ts";
import type { TracedFrame } from "./traced-frame.ts";

type Query = Readonly<Record<string, string | undefined>>;

/**
 * Prints frames live, decoded (or unchanged with `--json`), until `signal` aborts. Of one job all frames are printed,
 * also those before the call and at its end.
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
  // Opened before recorded frames are read, so that none in between is missed.
  let next = live.next();
  // The stream may end in the meantime; its failure is handled below.
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
