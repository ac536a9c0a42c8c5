import { once } from "node:events";
import type { Command } from "commander";
import { everyItem } from "../../api/client.ts";
import type { EventAnswer } from "../../api/events.ts";
import type { ApiClient } from "../client.ts";
import type { CliContext } from "../context.ts";
import { completeId } from "../identifier.ts";
import { wholeNumber } from "../number-flag.ts";
import { printStatus, result, shownLines, type Terminal, table, when } from "../terminal.ts";
import { visibleValue } from "../visible.ts";

interface Filters {
  readonly target?: string;
  readonly job?: string;
  readonly type?: string;
  readonly after?: number;
}

function filters(command: Command): Command {
  return command
    .option("-t, --target <target>", "only of this target: id, EID, ICCID, IMSI, MSISDN or name")
    .option("--job <id>", "only of this job: its id, or the beginning")
    .option("--type <types>", "only of these types, separated by commas; job.* for a family")
    .option("--after <seq>", "continue after the event with this number", wholeNumber);
}

/** The job with this id or beginning of an id. @throws api.usage, job.unknown */
async function jobOf(api: ApiClient, text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const id = await completeId(api, "job", text);
  await api.v1.jobs.get({ params: { id } });
  return id;
}

/** The data of an event on one line: `state done executed yes`. */
function eventText(data: EventAnswer["data"]): string {
  return Object.entries(data)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("  ");
}

/** `event list|watch`. */
export function registerEvent(event: Command, context: CliContext): void {
  const { terminal } = context;
  filters(event.command("list"))
    .option("--last <n>", "begin this many events before the end of the log", wholeNumber, 200)
    .option("--limit <n>", "maximum number of events", wholeNumber, 200)
    .description("list events, oldest first; with --after from there on, otherwise the last ones")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate event list --type job.* --target 8900…\n  otagate event list --after 1200 --limit 1000 --json\n",
    )
    .action(async ({ limit, last, after, ...query }: Filters & { last: number; limit: number }) => {
      await using connection = await context.connect();
      const { events } = connection.api.v1;
      const job = await jobOf(connection.api, query.job);
      const begin = after === undefined ? { last } : { after };
      const found: EventAnswer[] = [];
      for await (const one of everyItem((page) => events.list({ query: { ...query, job, ...begin, ...page } }), limit))
        found.push(one);
      result(terminal, found, (all) =>
        all.length === 0
          ? "no events\n"
          : table(
              ["SEQ", "WHEN", "TYPE", "TARGET", "DATA"],
              all.map((one) => [String(one.seq), when(one.at), one.type, one.target ?? "", eventText(one.data)]),
            ),
      );
    });
  filters(event.command("watch"))
    .option("--count <n>", "end after this number of events", wholeNumber)
    .description("print events as they happen, one line each, until interrupted; with --json as JSON lines")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate event watch\n  otagate event watch --type job.done,job.failed,notification.* --json\n",
    )
    .action(async ({ count, ...query }: Filters & { count?: number }) => {
      await using connection = await context.connect();
      if (connection.embedded)
        printStatus(terminal, "no daemon is running: only events of this process and its open work are printed");
      const stop = new AbortController();
      const interrupt = () => stop.abort();
      process.once("SIGINT", interrupt);
      try {
        const { api } = connection;
        const job = await jobOf(api, query.job);
        await watch(
          terminal,
          api.v1.events.stream({ query: { ...query, job }, signal: stop.signal }),
          stop.signal,
          count,
        );
      } finally {
        process.off("SIGINT", interrupt);
        stop.abort();
      }
    });
}

/** Prints events one line each, at the speed of their reader; ends after `count` events. */
async function watch(
  terminal: Terminal,
  events: AsyncIterable<EventAnswer>,
  signal: AbortSignal,
  count = Number.POSITIVE_INFINITY,
): Promise<void> {
  let printed = 0;
  if (count < 1) return;
  for await (const one of events) {
    const line = terminal.json ? `${JSON.stringify(one)}\n` : shownLines(terminal, `${eventLine(visibleValue(one))}\n`);
    // A reader that has stalled must not keep the command from ending.
    if (!terminal.out.write(line)) await once(terminal.out, "drain", { signal }).catch(() => undefined);
    if (signal.aborted) return;
    printed += 1;
    if (printed >= count) return;
  }
}

/** An event on one line: number, time, type, target and data. */
function eventLine({ seq, at, type, target, data }: EventAnswer): string {
  return [String(seq).padEnd(6), when(at), type.padEnd(22), target, eventText(data)]
    .filter((part) => part !== undefined && part !== "")
    .join("  ");
}
