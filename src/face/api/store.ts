import { z } from "zod";
import { countedKinds, minRetentionMs } from "../../gateway/model/retention.ts";
import { moment } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

const period = z.number().int().min(minRetentionMs).max(Number.MAX_SAFE_INTEGER).optional();

const periods = {
  jobsMs: period.describe("For ended jobs with all related records, notifications, profile switches and the inbox"),
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
    removed: z
      .partialRecord(z.enum(countedKinds), z.number().int())
      .describe("Removed records so far, or records that a dry run would remove"),
    heldSince: moment
      .optional()
      .describe("An upstream has not accepted events since this time; these and their records are kept"),
    error: z.string().optional(),
  })
  .meta({ id: "PruneRun", description: "A run that removes records past their retention" });

const storeShape = z
  .object({
    retention: z.object(periods).describe("The configured periods; records without a period are kept indefinitely"),
    bytes: z.number().int().describe("Size of the file"),
    freeBytes: z.number().int().describe("Reusable space in the file, which compacting returns to the disk"),
    run: runShape.optional().describe("The latest run since the start"),
  })
  .meta({ id: "Store", description: "Show the size and retention of the store" });

/** A removal as the examples show it. */
const example = {
  id: sample.prune,
  state: "done",
  dryRun: true,
  retention: { jobsMs: 7_776_000_000 },
  startedAt: sample.at,
  endedAt: sample.at + 40,
  removed: { jobs: 12, events: 60 },
} as const;

/** The store: its size and the removal of old records. */
export const storeOperations = {
  get: operation({
    route: "GET /v1/store",
    scope: "read",
    operationId: "getStore",
    example: { answer: { retention: { jobsMs: 7_776_000_000 }, bytes: 753_664, freeBytes: 0, run: example } },
    tags: ["store"],
    summary: "Show the size and retention of the store",
    description: "Retention periods, file size and the latest pruning run.",
    answers: { 200: storeShape },
  }),

  prune: operation({
    route: "POST /v1/store/prunes",
    scope: "admin",
    operationId: "pruneStore",
    example: {
      body: { jobsMs: 7_776_000_000, dryRun: true },
      answer: { ...example, state: "running", endedAt: undefined, removed: {} },
    },
    tags: ["store"],
    summary: "Remove old records",
    description:
      "Removes records that ended longer ago than the given periods, or than the configured ones if none is given. Open " +
      "records are never removed. The answer comes at once; the run continues in small steps and does not block other work.",
    body: z.strictObject({ ...periods, dryRun: z.boolean().default(false).describe("Only count") }),
    answers: { 202: runShape },
  }),

  getPrune: operation({
    route: "GET /v1/store/prunes/:run",
    scope: "admin",
    operationId: "getPrune",
    example: { params: { run: sample.prune }, answer: example },
    tags: ["store"],
    summary: "Get the progress of a pruning run",
    description: "The last twenty runs since the start of the daemon are kept.",
    params: z.object({ run: z.string().min(1).max(100).describe("Id of the run") }),
    answers: { 200: runShape },
  }),
};

/** A removal of old records in an answer. */
export type PruneRunAnswer = z.output<typeof runShape>;

/** Size and retention of the store in an answer. */
export type StoreAnswer = z.output<typeof storeShape>;
