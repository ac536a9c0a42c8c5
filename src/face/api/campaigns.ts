import { z } from "zod";
import { CampaignOrderShape } from "../../gateway/campaign/order.ts";
import { executedShape, failureShape } from "./jobs.ts";
import { idempotencyHeaders, idPage, listOf, pageShape, seqPage } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

const idParams = z.object({ id: z.string().min(1).max(100).describe("Id of the campaign") });

const itemState = z.enum(["pending", "running", "succeeded", "failed", "skipped", "cancelled"]);

const progressShape = z.object({
  total: z.number().int(),
  ended: z.number().int().describe("Targets with an outcome"),
  counts: z.record(itemState, z.number().int()),
  stage: z.enum(["canary", "all"]).describe("`canary` until the canaries have ended"),
  activeMs: z.number().describe("Time the campaign has run, without its pauses"),
  remainingMs: z.number().optional().describe("Estimate; absent before the first target ended"),
});

/** A campaign with its progress. */
export const campaignShape = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(["running", "paused", "stopped", "cancelled", "done"]),
  reason: z.string().optional().describe("Reason for this state"),
  order: z.record(z.string(), z.unknown()).describe("The work, with defaults"),
  createdAt: z.number(),
  endedAt: z.number().optional(),
  progress: progressShape.describe("Progress: counts by state, stage, estimate"),
});

/** Outcome of one target. */
export const campaignItemShape = z.object({
  position: z.number().int(),
  target: z.string(),
  label: z.string().describe("EID, ICCID or name"),
  state: itemState,
  step: z.string().optional().describe("Current or last step"),
  phase: z.string().optional(),
  jobs: listOf(z.string()),
  error: failureShape.optional(),
  note: z.string().optional().describe("Evidence for the outcome, if it is not obvious"),
  card: z
    .object({
      executed: executedShape,
      enabled: z
        .object({ aid: z.string(), iccid: z.string().optional() })
        .optional()
        .describe("The enabled profile, as confirmed, notified or audited; absent if unknown"),
    })
    .optional()
    .describe("State of the card after its last step"),
  startedAt: z.number().optional(),
  endedAt: z.number().optional(),
});

/** A campaign as the examples show it. */
const example = {
  id: sample.campaign,
  name: "audit of rack 1",
  state: "running",
  order: {
    name: "audit of rack 1",
    targets: { kind: "list", references: [sample.eid] },
    action: { kind: "es5", function: "auditStatus" },
    request: {},
    concurrency: 10,
    canary: 0,
    validityMs: 3_600_000,
    switchTimeoutMs: 600_000,
  },
  createdAt: sample.at,
  progress: {
    total: 1,
    ended: 0,
    counts: { pending: 0, running: 1, succeeded: 0, failed: 0, skipped: 0, cancelled: 0 },
    stage: "all",
    activeMs: 400,
  },
} as const;

/** A target of the campaign as the examples show it. */
const exampleItem = {
  position: 0,
  target: sample.target,
  label: sample.eid,
  state: "succeeded",
  step: "auditStatus",
  jobs: [sample.job],
  card: { executed: true, enabled: { aid: sample.isdP, iccid: sample.iccid } },
  startedAt: sample.at,
  endedAt: sample.at + 900,
} as const;

const change = {
  scope: "jobs",
  tags: ["campaigns"],
  description: "Refused with `campaign.state` if the state of the campaign does not allow it.",
  params: idParams,
  answers: { 200: campaignShape },
} as const;

/** Campaigns: one function over many targets. */
export const campaignOperations = {
  start: operation({
    route: "POST /v1/campaigns",
    scope: "jobs",
    operationId: "startCampaign",
    example: {
      body: {
        name: "audit of rack 1",
        targets: { kind: "list", references: [sample.eid] },
        action: { kind: "es5", function: "auditStatus" },
      },
      status: 201,
      answer: example,
    },
    tags: ["campaigns"],
    summary: "Start a campaign",
    description:
      "One function, script or move between operators over all targets, those with a tag, or a list. `canary` targets go " +
      "first, at most `concurrency` at a time; no further target is started when more than `stopAtFailureShare` failed. " +
      "An Idempotency-Key works as for jobs: the same order under the same key is answered with the same campaign (200).",
    headers: idempotencyHeaders,
    body: CampaignOrderShape,
    answers: {
      200: campaignShape.describe("The campaign of this Idempotency-Key"),
      201: campaignShape.describe("The campaign, running"),
    },
  }),

  list: operation({
    route: "GET /v1/campaigns",
    scope: "read",
    operationId: "listCampaigns",
    example: { query: { limit: 20 }, answer: { items: [example] } },
    tags: ["campaigns"],
    summary: "List campaigns",
    description: "Newest first.",
    query: idPage,
    answers: { 200: pageShape(campaignShape) },
  }),

  get: operation({
    route: "GET /v1/campaigns/:id",
    scope: "read",
    operationId: "getCampaign",
    example: { params: { id: sample.campaign }, answer: example },
    tags: ["campaigns"],
    summary: "Get a campaign with its progress",
    description: "Definition, state and progress with an estimate.",
    params: idParams,
    answers: { 200: campaignShape },
  }),

  items: operation({
    route: "GET /v1/campaigns/:id/items",
    scope: "read",
    operationId: "listCampaignItems",
    example: { params: { id: sample.campaign }, query: { limit: 20 }, answer: { items: [exampleItem] } },
    tags: ["campaigns"],
    summary: "List the targets of a campaign",
    description: "In the order in which targets are started.",
    params: idParams,
    query: seqPage.extend({ state: itemState.optional().describe("Only in this state") }),
    answers: { 200: pageShape(campaignItemShape) },
  }),

  report: operation({
    route: "GET /v1/campaigns/:id/report text",
    scope: "read",
    operationId: "getCampaignReport",
    example: {
      params: { id: sample.campaign },
      query: { format: "json" },
      answer: { campaign: example, items: [exampleItem] },
    },
    tags: ["campaigns"],
    summary: "Get the report of a campaign",
    description: "JSON, CSV with one line per target, or JUnit XML with one case per target.",
    params: idParams,
    query: z.strictObject({
      format: z.enum(["json", "csv", "junit"]).default("json").describe("How it is written"),
    }),
    answers: { 200: z.unknown().describe("The report") },
  }),

  pause: operation({
    route: "POST /v1/campaigns/:id/pause",
    operationId: "pauseCampaign",
    example: {
      params: { id: sample.campaign },
      answer: { ...example, state: "paused", reason: "paused by the operator" },
    },
    summary: "Pause a campaign: running targets finish",
    ...change,
  }),

  resume: operation({
    route: "POST /v1/campaigns/:id/resume",
    operationId: "resumeCampaign",
    example: { params: { id: sample.campaign }, answer: example },
    summary: "Resume a campaign after a pause or a stop",
    ...change,
  }),

  cancel: operation({
    route: "POST /v1/campaigns/:id/cancel",
    operationId: "cancelCampaign",
    example: {
      params: { id: sample.campaign },
      answer: { ...example, state: "cancelled", endedAt: sample.at + 5_000 },
    },
    summary: "Cancel the targets of a campaign that have not started",
    ...change,
  }),
};

/** A campaign in an answer. */
export type CampaignAnswer = z.output<typeof campaignShape>;

/** Outcome of one target, in an answer. */
export type CampaignItemAnswer = z.output<typeof campaignItemShape>;
