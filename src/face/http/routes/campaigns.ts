import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ShownCampaign } from "../../../gateway/campaign/campaigns.ts";
import { CampaignOrderShape } from "../../../gateway/campaign/order.ts";
import { reportCsv, reportJunit } from "../../../gateway/campaign/report.ts";
import { shownAction } from "../../../gateway/campaign/shown-campaign.ts";
import type { CampaignItem } from "../../../gateway/model/campaign.ts";
import type { ApiDeps } from "../api-deps.ts";
import { idempotencyHeaders } from "../idempotency-key.ts";
import { idPage, pageShape, sendPage, seqPage } from "../page.ts";
import { executedShape, failureShape, problems } from "../shapes.ts";

const idParams = z.object({ id: z.string().min(1).max(100).describe("Id of the campaign") });
const itemState = z.enum(["pending", "running", "succeeded", "failed", "skipped", "cancelled"]);

const campaignShape = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(["running", "paused", "stopped", "cancelled", "done"]),
  reason: z.string().optional().describe("Why it is in this state"),
  order: z.record(z.string(), z.unknown()).describe("What was ordered, with defaults"),
  createdAt: z.number(),
  endedAt: z.number().optional(),
  progress: z.record(z.string(), z.unknown()).describe("How far it is: counts by state, share, estimate"),
});

const itemShape = z.object({
  position: z.number().int(),
  target: z.string(),
  label: z.string().describe("EID, ICCID or name"),
  state: itemState,
  step: z.string().optional().describe("What it is or was at"),
  phase: z.string().optional(),
  jobs: z.array(z.string()),
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

function shown({ campaign, progress }: ShownCampaign) {
  const { id, state, reason, order, createdAt, endedAt } = campaign;
  return {
    id,
    name: order.name,
    state,
    ...(reason === undefined ? {} : { reason }),
    order: { ...order, action: shownAction(order.action) },
    createdAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    progress: { ...progress },
  };
}

/** Campaigns: one function over many targets. */
export async function campaignRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { campaigns } = deps;

  routes.post(
    "/v1/campaigns",
    {
      schema: {
        operationId: "startCampaign",
        tags: ["campaigns"],
        summary: "Start a campaign",
        description:
          "One function, script or move between operators over all targets, those with a tag, or a list. `canary` targets go " +
          "first, at most `concurrency` at a time; no further target is started when more than `stopAtFailureShare` failed. " +
          "An Idempotency-Key works as for jobs: the same order under the same key is answered with the same campaign (200).",
        headers: idempotencyHeaders,
        body: CampaignOrderShape,
        response: {
          200: campaignShape.describe("The campaign that the key stands for"),
          201: campaignShape.describe("The campaign, running"),
          ...problems,
        },
      },
      config: { scope: "jobs" },
    },
    async ({ body, headers, principal }, reply) => {
      const key = headers["idempotency-key"];
      const named = principal === undefined || principal.how === "socket" ? {} : { name: principal.client };
      const { created, ...campaign } = await campaigns.start(body, key === undefined ? undefined : { ...named, key });
      const started = shown(campaign);
      return reply
        .code(created ? 201 : 200)
        .header("location", `/v1/campaigns/${started.id}`)
        .send(started);
    },
  );

  routes.get(
    "/v1/campaigns",
    {
      schema: {
        operationId: "listCampaigns",
        tags: ["campaigns"],
        summary: "List campaigns",
        description: "Newest first.",
        querystring: idPage,
        response: { 200: pageShape(campaignShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query }, reply) =>
      sendPage<ShownCampaign, string>(reply, query, {
        find: (cursor, limit) => campaigns.list(cursor, limit),
        position: ({ campaign }) => campaign.id,
        shown,
        item: campaignShape,
      }),
  );

  routes.get(
    "/v1/campaigns/:id",
    {
      schema: {
        operationId: "getCampaign",
        tags: ["campaigns"],
        summary: "One campaign and how far it is",
        description: "The order, the state and the progress with an estimate.",
        params: idParams,
        response: { 200: campaignShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }) => shown(await campaigns.show(params.id)),
  );

  routes.get(
    "/v1/campaigns/:id/items",
    {
      schema: {
        operationId: "listCampaignItems",
        tags: ["campaigns"],
        summary: "What became of each target",
        description: "In the order in which targets are started.",
        params: idParams,
        querystring: seqPage.extend({ state: itemState.optional().describe("Only in this state") }),
        response: { 200: pageShape(itemShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params, query }, reply) => {
      const states = query.state === undefined ? undefined : [query.state];
      return sendPage<CampaignItem, number>(reply, query, {
        // Positions begin with 0, cursors with 1.
        find: (cursor, limit) =>
          campaigns.items(params.id, states, cursor === undefined ? undefined : cursor - 1, limit),
        position: ({ position }) => position + 1,
        shown: ({ campaign: _, steps, step, job: __, stepJob: ___, deadline: ____, ...item }) => {
          const name = steps[step]?.name;
          return { ...item, ...(name === undefined ? {} : { step: name }) };
        },
        item: itemShape,
      });
    },
  );

  routes.get(
    "/v1/campaigns/:id/report",
    {
      schema: {
        operationId: "getCampaignReport",
        tags: ["campaigns"],
        summary: "The report of a campaign",
        description: "As JSON, as CSV with a line a target, or as JUnit XML with a case a target.",
        params: idParams,
        querystring: z.strictObject({
          format: z.enum(["json", "csv", "junit"]).default("json").describe("How it is written"),
        }),
        response: { 200: z.unknown().describe("The report"), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params, query }, reply) => {
      const report = await campaigns.report(params.id);
      if (query.format === "csv")
        return reply.type("text/csv; charset=utf-8").serializer(String).send(reportCsv(report));
      if (query.format === "junit") return reply.type("application/xml").serializer(String).send(reportJunit(report));
      return reply.type("application/json").serializer(String).send(JSON.stringify(report));
    },
  );

  const changes = [
    {
      verb: "pause",
      summary: "Start no further target; those that run go on",
      act: (id: string) => campaigns.pause(id),
    },
    { verb: "resume", summary: "Go on after a pause or a stop", act: (id: string) => campaigns.resume(id) },
    { verb: "cancel", summary: "Give up what was not started", act: (id: string) => campaigns.cancel(id) },
  ] as const;
  for (const { verb, summary, act } of changes) {
    routes.post(
      `/v1/campaigns/:id/${verb}`,
      {
        schema: {
          operationId: `${verb}Campaign`,
          tags: ["campaigns"],
          summary,
          description: "Refused with `campaign.state` where the campaign's state does not allow it.",
          params: idParams,
          response: { 200: campaignShape, ...problems },
        },
        config: { scope: "jobs" },
      },
      async ({ params }) => shown(await act(params.id)),
    );
  }
}
