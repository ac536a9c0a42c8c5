import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { octetText } from "../../../base/octet-text.ts";
import type { ShownCampaign } from "../../../gateway/campaign/campaigns.ts";
import { csvPieces, joinedReport, jsonPieces, reportPieces } from "../../../gateway/campaign/report.ts";
import { shownAction } from "../../../gateway/campaign/shown-campaign.ts";
import { writtenFailure } from "../../../gateway/model/failure.ts";
import { recordId } from "../../../gateway/model/identifiers.ts";
import { campaignItemShape, campaignOperations, campaignShape } from "../../api/campaigns.ts";
import type { ApiDeps } from "../api-deps.ts";
import { sendPage } from "../page.ts";
import { routeOf } from "../route.ts";

function campaignAnswer({ campaign, progress }: ShownCampaign) {
  const { id, state, reason, order, createdAt, endedAt } = campaign;
  return {
    id,
    name: order.name,
    state,
    ...withoutUndefined({ reason }),
    order: octetText({ ...order, action: shownAction(order.action) }),
    createdAt,
    ...withoutUndefined({ endedAt }),
    progress: { ...progress },
  };
}

/** Campaigns: one function over many targets. */
export async function campaignRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { campaigns } = deps.gateway;

  routes.route({
    ...routeOf(campaignOperations.start),
    handler: async ({ body, headers, principal }, reply) => {
      const key = headers["idempotency-key"];
      const named = principal === undefined || principal.how === "socket" ? {} : { name: principal.client };
      const { created, ...campaign } = await campaigns.start(body, key === undefined ? undefined : { ...named, key });
      const started = campaignAnswer(campaign);
      return reply
        .code(created ? 201 : 200)
        .header("location", `/v1/campaigns/${started.id}`)
        .send(started);
    },
  });

  routes.route({
    ...routeOf(campaignOperations.list),
    handler: async ({ query }, reply) =>
      sendPage(reply, query, {
        find: (cursor, limit) => campaigns.list(cursor, limit),
        position: ({ campaign }) => campaign.id,
        answerOf: campaignAnswer,
        item: campaignShape,
      }),
  });

  routes.route({
    ...routeOf(campaignOperations.get),
    handler: async ({ params }) => campaignAnswer(await campaigns.show(recordId("cmp", params.id))),
  });

  routes.route({
    ...routeOf(campaignOperations.items),
    handler: async ({ params, query }, reply) => {
      const states = query.state === undefined ? undefined : [query.state];
      return sendPage(reply, query, {
        // Positions begin with 0, cursors with 1.
        find: (cursor, limit) =>
          campaigns.items(recordId("cmp", params.id), states, cursor === undefined ? undefined : cursor - 1, limit),
        position: ({ position }) => position + 1,
        answerOf: ({ campaign: _, steps, step, job: __, stepJob: ___, deadline: ____, error, ...item }) => {
          const name = steps[step]?.name;
          return {
            ...item,
            ...withoutUndefined({ step: name }),
            ...(error === undefined ? {} : { error: writtenFailure(error) }),
          };
        },
        item: campaignItemShape,
      });
    },
  });

  routes.route({
    ...routeOf(campaignOperations.report),
    handler: async ({ params, query }, reply) => {
      const report = await campaigns.report(recordId("cmp", params.id));
      const sendText = async (type: string, pieces: Iterable<string>) =>
        reply
          .type(type)
          .serializer(String)
          .send(await joinedReport(pieces));
      if (query.format === "csv") return sendText("text/csv; charset=utf-8", csvPieces(report));
      return query.format === "junit"
        ? sendText("application/xml", reportPieces(report))
        : sendText("application/json", jsonPieces(report));
    },
  });

  routes.route({
    ...routeOf(campaignOperations.pause),
    handler: async ({ params }) => campaignAnswer(await campaigns.pause(recordId("cmp", params.id))),
  });

  routes.route({
    ...routeOf(campaignOperations.resume),
    handler: async ({ params }) => campaignAnswer(await campaigns.resume(recordId("cmp", params.id))),
  });

  routes.route({
    ...routeOf(campaignOperations.cancel),
    handler: async ({ params }) => campaignAnswer(await campaigns.cancel(recordId("cmp", params.id))),
  });
}
