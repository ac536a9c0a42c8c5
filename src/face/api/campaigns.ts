import { z } from "zod";
import { CampaignOrderShape } from "../../gateway/campaign/order.ts";
import { idempotencyHeaders, idPage, listOf, pageShape, seqPage } from "./fields.ts";
import { executedShape, failureShape } from "./jobs.ts";
import { operation } from "./operation.ts";

const idParams = z.object({ id: z.string().min(1).max(100).describe("Id of the campaign") });

const itemState = z.enum(["pending", "running", "succeeded", "failed", "skipped", "cancelled"]);

const progressShape = z.object({
  total: z.number().int(),
  ended: z.number().int(),
  counts: z.record(z.string(), z.number().int()),
  share: z.number().optional(),
  failureShare: z.number().optional(),
  remainingMs: z.number().optional(),
});

/** A campaign and how far it is. */
export const campaignShape = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(["running", "paused", "stopped", "cancelled", "done"]),
  reason: z.string().optional().describe("Why it is in this state"),
  order: z.record(z.string(), z.unknown()).describe("What was ordered, with defaults"),
  createdAt: z.number(),
  endedAt: z.number().optional(),
  progress: progressShape.describe("How far it is: counts by state, share, estimate"),
});

/** What became of one target. */
export const campaignItemShape = z.object({
  position: z.number().int(),
  target: z.string(),
  label: z.string().describe("EID, ICCID or name"),
  state: itemState,
  step: z.string().optional().describe("What it is or was at"),
  phase: z.string().optional(),
  jobs: listOf(z.string()),
  error: failureShape.optional(),
  note: z.string().optional().describe("How the outcome is known, when it is not plain"),
  card: z
    .object({
      executed: executedShape,
      enabled: z
        .object({ aid: z.string(), iccid: z.string().optional() })
        .optional()
        .describe("The profile that is enabled now, as confirmed, notified or audited; absent when it is not known"),
    })
    .optional()
    .describe("What is known of the card, once its part has ended"),
  startedAt: z.number().optional(),
  endedAt: z.number().optional(),
});

const change = {
  scope: "jobs",
  tags: ["campaigns"],
  description: "Refused with `campaign.state` where the campaign's state does not allow it.",
  params: idParams,
  answers: { 200: campaignShape },
} as const;

/** Campaigns: one function over many targets. */
export const campaignOperations = {
  start: operation({
    route: "POST /v1/campaigns",
    scope: "jobs",
    operationId: "startCampaign",
    tags: ["campaigns"],
    summary: "Start a campaign",
    description:
      "One function, script or move between operators over all targets, those with a tag, or a list. `canary` targets go " +
      "first, at most `concurrency` at a time; no further target is started when more than `stopAtFailureShare` failed. " +
      "An Idempotency-Key works as for jobs: the same order under the same key is answered with the same campaign (200).",
    headers: idempotencyHeaders,
    body: CampaignOrderShape,
    answers: {
      200: campaignShape.describe("The campaign that the key stands for"),
      201: campaignShape.describe("The campaign, running"),
    },
  }),

  list: operation({
    route: "GET /v1/campaigns",
    scope: "read",
    operationId: "listCampaigns",
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
    tags: ["campaigns"],
    summary: "One campaign and how far it is",
    description: "The order, the state and the progress with an estimate.",
    params: idParams,
    answers: { 200: campaignShape },
  }),

  items: operation({
    route: "GET /v1/campaigns/:id/items",
    scope: "read",
    operationId: "listCampaignItems",
    tags: ["campaigns"],
    summary: "What became of each target",
    description: "In the order in which targets are started.",
    params: idParams,
    query: seqPage.extend({ state: itemState.optional().describe("Only in this state") }),
    answers: { 200: pageShape(campaignItemShape) },
  }),

  report: operation({
    route: "GET /v1/campaigns/:id/report text",
    scope: "read",
    operationId: "getCampaignReport",
    tags: ["campaigns"],
    summary: "The report of a campaign",
    description: "As JSON, as CSV with a line a target, or as JUnit XML with a case a target.",
    params: idParams,
    query: z.strictObject({
      format: z.enum(["json", "csv", "junit"]).default("json").describe("How it is written"),
    }),
    answers: { 200: z.unknown().describe("The report") },
  }),

  pause: operation({
    route: "POST /v1/campaigns/:id/pause",
    operationId: "pauseCampaign",
    summary: "Start no further target; those that run go on",
    ...change,
  }),

  resume: operation({
    route: "POST /v1/campaigns/:id/resume",
    operationId: "resumeCampaign",
    summary: "Go on after a pause or a stop",
    ...change,
  }),

  cancel: operation({
    route: "POST /v1/campaigns/:id/cancel",
    operationId: "cancelCampaign",
    summary: "Give up what was not started",
    ...change,
  }),
};

/** A campaign in an answer. */
export type CampaignAnswer = z.output<typeof campaignShape>;

/** What became of one target, in an answer. */
export type CampaignItemAnswer = z.output<typeof campaignItemShape>;
