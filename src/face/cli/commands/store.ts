import { setTimeout as pause } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { durationText, parseDuration } from "../../../base/duration.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { minRetentionMs, type StoreSize } from "../../../gateway/model/retention.ts";
import type { PruneRunAnswer, StoreAnswer } from "../../api/store.ts";
import type { ApiClient } from "../client.ts";
import type { CliContext, Connection } from "../context.ts";
import { Progress, result, table, when } from "../terminal.ts";

/**
 * Returns free space of the store's file to the disk, while no other process uses the store. @throws store.locked
 */
export type CompactStore = () => Promise<{ readonly before: StoreSize; readonly after: StoreSize }>;

/** Makes a store usable that lacks commits. @throws store.*, crypto.master-key */
export type RecoverStore = (raiseCounters: number) => Promise<{
  readonly missing: number | undefined;
  readonly endedJobs: readonly string[];
  readonly notes: readonly string[];
}>;

interface PruneFlags {
  readonly jobs?: number;
  readonly events?: number;
  readonly audit?: number;
  readonly dryRun?: boolean;
  readonly compact?: boolean;
}

interface Pruned {
  readonly run: PruneRunAnswer;
  readonly store: StoreSize;
}

const lookEveryMs = 100;

/** `store show|prune|recover`. */
export function registerStore(
  store: Command,
  context: CliContext,
  { compact, recover }: { readonly compact: CompactStore; readonly recover: RecoverStore },
): void {
  store
    .command("show")
    .description("show the size of the store, the retention periods and the latest pruning")
    .addHelpText("after", "\nExample:\n  otagate store show\n")
    .action(async () => {
      await using connection = await context.connect();
      result(context.terminal, await connection.api.v1.store.get(), describe);
    });
  store
    .command("prune")
    .option("--jobs <time>", "remove jobs that ended longer ago, with all related records: 90d, 12h", period)
    .option("--events <time>", "remove older events", period)
    .option("--audit <time>", "remove older entries of the audit log", period)
    .option("--dry-run", "only count the records to remove")
    .option("--compact", "also shrink the file; only while no daemon runs")
    .description("remove old records, by these periods or by those of the configuration")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate store prune --dry-run\n  otagate store prune --jobs 90d --events 30d --audit 365d\n  otagate store prune --jobs 30d --compact\n",
    )
    .action(async (flags: PruneFlags) => {
      if (flags.dryRun === true && flags.compact === true)
        throw new GatewayError("api.usage", "--compact cannot be combined with --dry-run", {
          detail: { field: "compact" },
        });
      const pruned = await prune(context, flags);
      // The store can be opened only now.
      const compacted = flags.compact === true ? await compact() : undefined;
      const { run } = pruned;
      const now = compacted?.after ?? pruned.store;
      const shown = { ...run, store: now, ...withoutUndefined({ compacted }) };
      result(context.terminal, shown, () => outcome(run, now, compacted));
      if (run.state !== "done") process.exitCode = 1;
    });
  store
    .command("recover")
    .option(
      "--raise-counters <n>",
      "also add this number to every counter: after the whole folder was restored, or without otagate.marks",
      whole,
      0,
    )
    .description("accept a store that lacks committed data; only while no daemon runs")
    .addHelpText("after", recoverHelp)
    .action(async (flags: { raiseCounters: number }) => {
      const done = await recover(flags.raiseCounters);
      result(context.terminal, done, ({ missing, endedJobs, notes }) =>
        [
          missing === undefined ? "the number of missing commits is unknown" : `${missing} commits are missing`,
          ...notes,
          `${endedJobs.length} open jobs were ended as job.interrupted: their cards may have executed them`,
          ...endedJobs.map((id) => `  ${id}`),
        ].join("\n"),
      );
    });
}

const recoverHelp = `
Use this command for a store that is refused with store.rewound: files were lost, damaged or restored from a copy.
Counters are raised to the highest reserved values (from otagate.marks), open jobs end as job.interrupted because they
may have been sent, and upstreams receive new event ids. Cards may have changed since the copy was made: audit them.

Examples:
  otagate store recover
  otagate store recover --raise-counters 1000
`;

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a number of 0 or more.");
  return Number(text);
}

function period(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a time such as 90d or 12h.");
  if (ms < minRetentionMs) throw new InvalidArgumentError("It must be at least 1h.");
  return ms;
}

async function prune(context: CliContext, flags: PruneFlags): Promise<Pruned> {
  await using connection = await context.connect();
  if (flags.compact === true) requireAlone(connection);
  const given = [flags.jobs, flags.events, flags.audit];
  const configured = (await connection.api.v1.store.get()).retention;
  if (given.every((one) => one === undefined) && Object.keys(configured).length === 0)
    throw new GatewayError("api.usage", "give --jobs, --events or --audit: the configuration has no retention periods");
  const { api } = connection;
  const begun = await api.v1.store.prune({
    body: {
      ...withoutUndefined({ jobsMs: flags.jobs, eventsMs: flags.events, auditMs: flags.audit }),
      dryRun: flags.dryRun === true,
    },
  });
  const run = await ended(context, api, begun);
  const { bytes, freeBytes } = await api.v1.store.get();
  return { run, store: { bytes, freeBytes } };
}

function requireAlone({ embedded }: Connection): void {
  if (embedded) return;
  throw new GatewayError("store.locked", "--compact needs exclusive access to the store: stop the daemon first", {
    detail: { field: "compact" },
  });
}

async function ended(context: CliContext, api: ApiClient, begun: PruneRunAnswer): Promise<PruneRunAnswer> {
  const progress = new Progress(context.terminal);
  let run = begun;
  while (run.state === "running") {
    progress.show(`${run.dryRun ? "found" : "removed"} so far: ${countsText(run) || "nothing"}`);
    await pause(lookEveryMs);
    run = await api.v1.store.getPrune({ params: { run: begun.id } });
  }
  progress.clear();
  return run;
}

const words: Readonly<Record<string, string>> = {
  jobs: "ended jobs",
  packets: "packets",
  packetParts: "parts of packets",
  messages: "SMPP messages",
  segments: "SMPP segments",
  procedures: "profile switches",
  notifications: "notifications",
  inbox: "inbox items",
  events: "events",
  audit: "audit entries",
};

function countsText({ removed }: PruneRunAnswer): string {
  return Object.entries(removed)
    .map(([kind, count]) => `${count} ${words[kind] ?? kind}`)
    .join(", ");
}

function outcome(
  run: PruneRunAnswer,
  size: StoreSize,
  compacted: Awaited<ReturnType<CompactStore>> | undefined,
): string {
  const rows = Object.entries(run.removed).map(([kind, count]) => [words[kind] ?? kind, String(count)]);
  const verb = run.dryRun ? "WOULD BE REMOVED" : "REMOVED";
  const lines = [
    rows.length === 0 ? "no records are old enough\n" : table(["KIND", verb], rows),
    run.state === "done" ? "" : `${run.state}: ${run.error ?? "not finished"}\n`,
    run.heldSince === undefined
      ? ""
      : `an upstream has not accepted events since ${when(run.heldSince)}: they and the records they refer to are kept\n`,
    compacted === undefined
      ? sizeText(size)
      : `the file shrank from ${megabytes(compacted.before.bytes)} to ${megabytes(compacted.after.bytes)}\n`,
  ];
  return lines.join("");
}

function describe({ retention, run, ...size }: StoreAnswer): string {
  const { jobsMs, eventsMs, auditMs } = retention;
  const kept = (ms: number | undefined) => (ms === undefined ? "indefinitely" : durationText(ms));
  const last =
    run === undefined ? "none since the start" : `${when(run.startedAt)} ${run.state}: ${countsText(run) || "nothing"}`;
  return [
    `jobs    kept ${kept(jobsMs)}`,
    `events  kept ${kept(eventsMs)}`,
    `audit   kept ${kept(auditMs)}`,
    `latest removal: ${last}`,
    sizeText(size),
  ].join("\n");
}

function sizeText({ bytes, freeBytes }: StoreSize): string {
  return `database ${megabytes(bytes)} (${megabytes(freeBytes)} reusable; store prune --compact shrinks the file)\n`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
