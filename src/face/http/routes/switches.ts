import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import type { NotificationRecord } from "../../../gateway/model/notification.ts";
import { type ProfileSwitch, requireSwitch, switchOutcome } from "../../../gateway/model/profile-switch.ts";
import type { ApiDeps } from "../api-deps.ts";
import { awaited, waitQuery } from "../await-state.ts";
import { pageOf, pageShape, seqPage } from "../page.ts";
import { idParams, notificationShape, problems, targetFilter } from "../shapes.ts";

const switchShape = z
  .object({
    id: z.string(),
    target: z.string(),
    job: z.string().describe("The job that started it"),
    kind: z.enum(["enable", "disable"]),
    aid: z.string().describe("ISD-P that the function named"),
    from: z.string().optional().describe("ISD-P that was enabled before"),
    at: z.enum(["accepted", "switched", "confirmed", "rolled-back", "lapsed"]),
    acceptedAt: z.number(),
    switchedAt: z.number().optional(),
    endedAt: z.number().optional(),
    holdUntil: z.number().describe("Until when other jobs of the target wait for its end"),
  })
  .meta({ id: "ProfileSwitch", description: "A profile switch from its acceptance to its end (SGP.02 §3.2, §3.4)" });

const shown = (one: NotificationRecord) => ({ ...one, text: notificationTypeText(one.type) });

/** Profile switches, and what is decided about the notifications they end with. */
export async function switchRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { desk, store } = deps.gateway;

  const listSwitches = {
    schema: {
      tags: ["switches"],
      summary: "Profile switches",
      description: "Newest first: accepted, switched, and confirmed, rolled back or lapsed, with times.",
      querystring: seqPage.extend({ target: targetFilter }),
      response: { 200: pageShape(switchShape), ...problems },
    },
    config: { scope: "read" as const },
  };
  const list = async (query: z.infer<typeof listSwitches.schema.querystring>) => {
    const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
    const found = await store.read((r) => r.profileSwitches.list(target, query.cursor, query.limit));
    return pageOf(
      found,
      query.limit,
      (last) => last.acceptedAt,
      (one) => ({ ...one }),
    );
  };

  routes.get(
    "/v1/switches",
    { ...listSwitches, schema: { ...listSwitches.schema, operationId: "listSwitches" } },
    ({ query }) => list(query),
  );
  routes.get(
    "/v1/procedures",
    { ...listSwitches, schema: { ...listSwitches.schema, operationId: "listProcedures", deprecated: true } },
    ({ query }) => list(query),
  );

  routes.get(
    "/v1/switches/:id",
    {
      schema: {
        operationId: "getSwitch",
        tags: ["switches"],
        summary: "One profile switch",
        description:
          "With `wait` the answer is held until the switch is confirmed, rolled back or lapsed, or the time is over. " +
          "A lapsed switch changes once more when the card reports after all.",
        params: idParams,
        querystring: waitQuery,
        response: { 200: switchShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params, query, raw }) => {
      const read = () => store.read((r) => requireSwitch(r, params.id));
      const ended = (one: ProfileSwitch) => switchOutcome(one) !== undefined;
      return { ...(await awaited(store, read, ended, { waitMs: query.wait, gone: () => raw.destroyed })) };
    },
  );

  routes.get(
    "/v1/notifications/:id",
    {
      schema: {
        operationId: "getNotification",
        tags: ["notifications"],
        summary: "One notification",
        description: "With what became of its confirmation.",
        params: idParams,
        response: { 200: notificationShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }) => shown(await desk.show(params.id)),
  );

  routes.post(
    "/v1/notifications/:id/confirm",
    {
      schema: {
        operationId: "confirmNotification",
        tags: ["notifications"],
        summary: "Confirm a notification",
        description: "One that waits for the upstream, was withheld, or whose confirmation failed. A job carries it.",
        params: idParams,
        response: { 200: notificationShape, ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params }) => shown(await desk.confirm(params.id)),
  );

  routes.post(
    "/v1/notifications/:id/withhold",
    {
      schema: {
        operationId: "withholdNotification",
        tags: ["notifications"],
        summary: "Leave a notification unconfirmed",
        description: "The card then switches back. Refused when the confirmation has left already.",
        params: idParams,
        response: { 200: notificationShape, ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params }) => shown(await desk.withhold(params.id)),
  );
}
