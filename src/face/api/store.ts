import { z } from "zod";
import { countedKinds, minRetentionMs } from "../../gateway/model/retention.ts";
import { moment } from "./fields.ts";
import { operation } from "./operation.ts";

const period = z.number().int().min(minRetentionMs).max(Number.MAX_SAFE_INTEGER).optional();

const periods = {
  jobsMs: period.describe("For ended jobs with all that belongs to them, notifications, profile switches, the inbox"),
  eventsMs: period.describe("For the event log"),
  auditMs: period.describe("For the audit log"),
};

const runShape = z
  .object({
    id: z.string(),
    state: z.enum(["running", "done", "failed", "stopped"]),
    dryRun: z.boolean(),
    retention: z.object(periods),
    startedAt: moment,
    endedAt: moment.optional(),
    removed: z.partialRecord(z.enum(countedKinds), z.number().int()).describe("So far; of a dry run, what would be"),
    heldSince: moment.optional().describe("An upstream has not taken the events since then: they and theirs stay"),
    error: z.string().optional(),
  })
  .meta({ id: "PruneRun", description: "A removal of what is past its retention" });

const storeShape = z
  .object({
    retention: z.object(periods).describe("As configured; what has no period is kept for ever"),
    bytes: z.number().int().describe("Size of the file"),
    freeBytes: z.number().int().describe("Free inside the file: it is used again, and what compacting gives back"),
    run: runShape.optional().describe("The latest removal since the start"),
  })
  .meta({ id: "Store", description: "What the store keeps, and its size" });

/** The store: its size and the removal of old records. */
export const storeOperations = {
  get: operation({
    route: "GET /v1/store",
    scope: "read",
    operationId: "getStore",
    tags: ["store"],
    summary: "Size and retention of the store",
    description: "What is kept how long, how large the file is, and what the latest removal did.",
    answers: { 200: storeShape },
  }),

  prune: operation({
    route: "POST /v1/store/prunes",
    scope: "admin",
    operationId: "pruneStore",
    tags: ["store"],
    summary: "Remove old records",
    description:
      "Removes what ended longer ago than the given periods, or the configured ones when none is given. What is open is " +
      "never touched. The answer comes at once; the run goes on in small steps while everything else does.",
    body: z.strictObject({ ...periods, dryRun: z.boolean().default(false).describe("Only count") }),
    answers: { 202: runShape },
  }),

  getPrune: operation({
    route: "GET /v1/store/prunes/:run",
    scope: "admin",
    operationId: "getPrune",
    tags: ["store"],
    summary: "How far a removal is",
    description: "The last twenty since the daemon's start are known.",
    params: z.object({ run: z.string().min(1).max(100).describe("Id of the run") }),
    answers: { 200: runShape },
  }),
};

/** A removal of old records in an answer. */
export type PruneRunAnswer = z.output<typeof runShape>;

/** Size and retention of the store in an answer. */
export type StoreAnswer = z.output<typeof storeShape>;
