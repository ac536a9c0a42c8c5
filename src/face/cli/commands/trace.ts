import { once } from "node:events";
import { open } from "node:fs/promises";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { type Command, Option } from "commander";
import { parseDuration } from "../../../base/duration.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { frameKinds } from "../../../link/trace.ts";
import type { ApiClient } from "../client.ts";
import type { CliContext } from "../context.ts";
import { completeId } from "../identifier.ts";
import { unreadable } from "../input-file.ts";
import { printStatus } from "../terminal.ts";
import { TracePcap } from "../trace-pcap.ts";
import { followTrace } from "../trace-view.ts";
import type { TracedFrame } from "../traced-frame.ts";

interface Filters {
  readonly since?: string;
  readonly until?: string;
  readonly target?: string;
  readonly job?: string;
  readonly link?: string;
  readonly kind?: string;
}

interface ExportFlags extends Filters {
  readonly format: "pcap" | "jsonl";
  readonly output?: string;
}

/**
 * A moment that a flag gives: ISO 8601, or how long ago (`90s`, `10m`, `2h`, `1d`). Milliseconds since the epoch.
 * @throws api.usage
 */
function momentOf(flag: string, text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new GatewayError("api.usage", `${flag}: must be a date (ISO 8601) or a time such as 10m, not '${text}'`);
  return at;
}

function queryOf(flags: Filters): Record<string, string | number | undefined> {
  const { target, job, link, kind, since, until } = flags;
  const now = Date.now();
  return {
    target,
    job,
    link,
    kind,
    since: since === undefined ? undefined : momentOf("--since", since, now),
    until: until === undefined ? undefined : momentOf("--until", until, now),
  };
}

function filters(command: Command): Command {
  return command
    .option("--target <ref>", "frames of this target: EID, ICCID, id or name")
    .option("--job <id>", "frames of this job")
    .option("--link <id>", "frames of links whose id contains this")
    .option("--kind <kinds>", `frames of these kinds, separated by commas: ${frameKinds.join(", ")}`);
}

/** `trace follow` and `trace export`: the frames of the links. */
export function registerTrace(trace: Command, context: CliContext): void {
  filters(trace.command("follow"))
    .description("print frames as they occur, decoded; with --json as JSON lines")
    .action(async (_: unknown, command: Command) => {
      await follow(context, command.optsWithGlobals<Filters>());
    });
  filters(trace.command("export"))
    .description("write recorded frames to a file or to standard output")
    .addOption(
      new Option("--format <format>", "pcap for Wireshark, or JSON lines").choices(["pcap", "jsonl"]).default("jsonl"),
    )
    .option("--since <time>", "from then on: ISO 8601, or 10m, 2h, 1d ago")
    .option("--until <time>", "end of the period, in the same format")
    .option("-o, --output <file>", "output file")
    .action(async (_: unknown, command: Command) => {
      await exportFrames(context, command.optsWithGlobals<ExportFlags>());
    });
}

async function follow(context: CliContext, flags: Filters): Promise<void> {
  await using connection = await context.connect();
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  try {
    const { target, link, kind } = flags;
    const job = await wholeJob(connection.api, flags.job);
    await followTrace(context, connection.api, { target, job, link, kind }, stop.signal, context.terminal.out);
  } finally {
    process.off("SIGINT", interrupt);
  }
}

async function exportFrames(context: CliContext, flags: ExportFlags): Promise<void> {
  const { terminal } = context;
  const pcap = flags.format === "pcap" ? new TracePcap() : undefined;
  if (pcap !== undefined && flags.output === undefined && process.stdout.isTTY === true) {
    throw new GatewayError("api.usage", "pcap is binary and is not written to a terminal: give a file with -o FILE");
  }
  await using connection = await context.connect();
  const job = await wholeJob(connection.api, flags.job);
  const out = flags.output === undefined ? terminal.out : await fileFor(flags.output);
  const lines = connection.api.v1.traces.list({ query: { ...queryOf(flags), job } });
  const count = pcap === undefined ? await copyLines(lines, out) : await writePcap(lines, out, pcap);
  if (flags.output !== undefined) {
    out.end();
    await finished(out).catch((cause: unknown) => {
      throw unreadable("--output", flags.output ?? "", cause, "written");
    });
    printStatus(terminal, `${count} frames in ${flags.output}`);
  }
}

/** The job with this id or beginning of an id. @throws api.usage, job.unknown */
async function wholeJob(api: ApiClient, text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const id = await completeId(api, "job", text);
  await api.v1.jobs.get({ params: { id } });
  return id;
}

/** @throws api.usage */
async function fileFor(path: string): Promise<Writable> {
  try {
    const out = (await open(path, "w", 0o600)).createWriteStream();
    // Its error is read at the next write and at its end.
    out.on("error", () => undefined);
    return out;
  } catch (cause) {
    throw unreadable("--output", path, cause, "written");
  }
}

/** Writes, unless the file has failed: its end reports the reason. */
async function put(out: Writable, chunk: string | Uint8Array): Promise<void> {
  if (out.errored !== null || out.write(chunk)) return;
  await once(out, "drain").catch(() => undefined);
}

async function copyLines(lines: AsyncIterable<string>, out: Writable): Promise<number> {
  let count = 0;
  for await (const line of lines) {
    if (line === "") continue;
    count += 1;
    await put(out, `${line}\n`);
  }
  return count;
}

async function writePcap(lines: AsyncIterable<string>, out: Writable, pcap: TracePcap): Promise<number> {
  await put(out, pcap.header());
  for await (const line of lines) {
    if (line === "") continue;
    const frame: TracedFrame = JSON.parse(line);
    for (const record of pcap.take(frame)) await put(out, record);
  }
  for (const record of pcap.end()) await put(out, record);
  return pcap.records;
}
