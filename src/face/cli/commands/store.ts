import { setTimeout as pause } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { durationText, parseDuration } from "../../../base/duration.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { Retention, StoreSize } from "../../../gateway/model/retention.ts";
import type { PruneRun } from "../../../gateway/retention/pruner.ts";
import type { ApiClient } from "../client.ts";
import type { CliContext, Connection } from "../context.ts";
import { Progress, result, table, when } from "../terminal.ts";

/** Gives the free part of the store's file back to the disk, while nobody else uses the store. @throws store.locked */
export type CompactStore = () => Promise<{ readonly before: StoreSize; readonly after: StoreSize }>;

/** Makes a store usable that lacks what it once had. @throws store.*, crypto.master-key */
export type RecoverStore = (raiseCounters: number) => Promise<{
  readonly missing: number | undefined;
  readonly endedJobs: readonly string[];
  readonly notes: readonly string[];
}>;

interface ShownStore extends StoreSize {
  readonly retention: Retention;
  readonly run?: PruneRun;
}

interface PruneFlags {
  readonly jobs?: number;
  readonly events?: number;
  readonly audit?: number;
  readonly dryRun?: boolean;
  readonly compact?: boolean;
}

interface Pruned {
  readonly run: PruneRun;
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
    .description("size of the store, how long records are kept, the latest removal")
    .addHelpText("after", "\nExample:\n  otagate store show\n")
    .action(async () => {
      await using connection = await context.connect();
      result(context.terminal, await connection.api.get<ShownStore>("/v1/store"), describe);
    });
  store
    .command("prune")
    .option("--jobs <time>", "jobs that ended longer ago, with all that belongs to them: 90d, 12h", period)
    .option("--events <time>", "events that are older", period)
    .option("--audit <time>", "entries of the audit log that are older", period)
    .option("--dry-run", "only count what would be removed")
    .option("--compact", "then shrink the file; only while no daemon runs")
    .description("remove old records: by these periods, or those of the configuration when none is given")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate store prune --dry-run\n  otagate store prune --jobs 90d --events 30d --audit 365d\n  otagate store prune --jobs 30d --compact\n",
    )
    .action(async (flags: PruneFlags) => {
      if (flags.dryRun === true && flags.compact === true)
        throw new GatewayError("api.usage", "--compact: not together with --dry-run", { detail: { field: "compact" } });
      const pruned = await prune(context, flags);
      // The store is free again only now.
      const compacted = flags.compact === true ? await compact() : undefined;
      const { run } = pruned;
      const now = compacted?.after ?? pruned.store;
      const shown = { ...run, store: now, ...(compacted === undefined ? {} : { compacted }) };
      result(context.terminal, shown, () => outcome(run, now, compacted));
      if (run.state !== "done") process.exitCode = 1;
    });
  store
    .command("recover")
    .option(
      "--raise-counters <n>",
      "add so much to every counter as well: after a whole folder was put back, or without otagate.marks",
      whole,
      0,
    )
    .description("go on with a store that lacks what it once had; only while no daemon runs")
    .addHelpText("after", recoverHelp)
    .action(async (flags: { raiseCounters: number }) => {
      const done = await recover(flags.raiseCounters);
      result(context.terminal, done, ({ missing, endedJobs, notes }) =>
        [
          missing === undefined ? "what the store lacks is not known" : `${missing} commits are missing`,
          ...notes,
          `${endedJobs.length} open jobs were ended as job.interrupted: their cards may have run them`,
          ...endedJobs.map((id) => `  ${id}`),
        ].join("\n"),
      );
    });
}

const recoverHelp = `
For a store that does not start with store.rewound: files were lost, damaged, or put back from a copy. Counters go to
the highest that were handed out (otagate.marks knows them), open jobs end as job.interrupted since they may have been
sent, and upstreams get new event ids. What happened since the copy was made is not known: audit the cards.

Examples:
  otagate store recover
  otagate store recover --raise-counters 1000
`;

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is no number of 0 or more.");
  return Number(text);
}

function period(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It is no time such as 90d or 12h.");
  return ms;
}

async function prune(context: CliContext, flags: PruneFlags): Promise<Pruned> {
  await using connection = await context.connect();
  if (flags.compact === true) requireAlone(connection);
  const { api } = connection;
  const begun = await api.post<PruneRun>("/v1/store/prunes", {
    ...(flags.jobs === undefined ? {} : { jobsMs: flags.jobs }),
    ...(flags.events === undefined ? {} : { eventsMs: flags.events }),
    ...(flags.audit === undefined ? {} : { auditMs: flags.audit }),
    dryRun: flags.dryRun === true,
  });
  const run = await ended(context, api, begun);
  const { bytes, freeBytes } = await api.get<ShownStore>("/v1/store");
  return { run, store: { bytes, freeBytes } };
}

function requireAlone({ embedded }: Connection): void {
  if (embedded) return;
  throw new GatewayError("store.locked", "--compact needs the store for itself: stop the daemon first", {
    detail: { field: "compact" },
  });
}

async function ended(context: CliContext, api: ApiClient, begun: PruneRun): Promise<PruneRun> {
  const progress = new Progress(context.terminal);
  let run = begun;
  while (run.state === "running") {
    progress.show(`${run.dryRun ? "found" : "removed"} so far: ${countsText(run) || "nothing"}`);
    await pause(lookEveryMs);
    run = await api.get<PruneRun>(`/v1/store/prunes/${begun.id}`);
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

function countsText({ removed }: PruneRun): string {
  return Object.entries(removed)
    .map(([kind, count]) => `${count} ${words[kind] ?? kind}`)
    .join(", ");
}

function outcome(run: PruneRun, size: StoreSize, compacted: Awaited<ReturnType<CompactStore>> | undefined): string {
  const rows = Object.entries(run.removed).map(([kind, count]) => [words[kind] ?? kind, String(count)]);
  const verb = run.dryRun ? "WOULD BE REMOVED" : "REMOVED";
  const lines = [
    rows.length === 0 ? "nothing is old enough\n" : table(["KIND", verb], rows),
    run.state === "done" ? "" : `${run.state}: ${run.error ?? "not finished"}\n`,
    run.heldSince === undefined
      ? ""
      : `an upstream has not taken events since ${when(run.heldSince)}: they and what they are about stay\n`,
    compacted === undefined
      ? sizeText(size)
      : `the file shrank from ${megabytes(compacted.before.bytes)} to ${megabytes(compacted.after.bytes)}\n`,
  ];
  return lines.join("");
}

function describe({ retention, run, ...size }: ShownStore): string {
  const { jobsMs, eventsMs, auditMs } = retention;
  const kept = (ms: number | undefined) => (ms === undefined ? "for ever" : durationText(ms));
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
  return `the file has ${megabytes(bytes)}, of which ${megabytes(freeBytes)} are free: they are used again, or --compact gives them back\n`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
