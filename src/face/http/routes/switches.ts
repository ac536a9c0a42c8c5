import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import type { SwitchId } from "../../../base/id.ts";
import { octetText } from "../../../base/octet-text.ts";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import { recordId } from "../../../gateway/model/identifiers.ts";
import type { NotificationRecord } from "../../../gateway/model/notification.ts";
import { type ProfileSwitch, switchOutcome } from "../../../gateway/model/profile-switch.ts";
import { notificationOperations } from "../../api/notifications.ts";
import { switchOperations, switchShape } from "../../api/switches.ts";
import type { ApiDeps } from "../api-deps.ts";
import { awaited } from "../await-state.ts";
import { sendPage } from "../page.ts";
import { routeOf } from "../route.ts";

const notificationAnswer = (one: NotificationRecord) => ({ ...octetText(one), text: notificationTypeText(one.type) });

/** Profile switches, and decisions about the notifications with which they end. */
export async function switchRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { events, notifications, switches } = deps.gateway;

  const list = async (query: z.infer<typeof switchOperations.list.query>, reply: FastifyReply) => {
    const target = query.target === undefined ? undefined : (await deps.gateway.targets.show(query.target)).target.id;
    return sendPage(reply, query, {
      find: (cursor: number | undefined, limit) => switches.list(target, cursor, limit),
      position: ({ acceptedAt }) => acceptedAt,
      answerOf: (one) => one,
      item: switchShape,
      // Several may have been accepted in one millisecond: a position is only safe at the end of the page.
      atOnce: query.limit,
    });
  };

  routes.route({ ...routeOf(switchOperations.list), handler: ({ query }, reply) => list(query, reply) });
  routes.route({ ...routeOf(switchOperations.listOld), handler: ({ query }, reply) => list(query, reply) });

  const get = async (id: SwitchId, waitMs: number, gone: () => boolean) => {
    const ended = (one: ProfileSwitch) => switchOutcome(one) !== undefined;
    return { ...(await awaited(events, () => switches.get(id), ended, { waitMs, gone })) };
  };

  routes.route({
    ...routeOf(switchOperations.get),
    handler: async ({ params, query, raw }) => get(recordId("prc", params.id), query.wait, () => raw.destroyed),
  });
  routes.route({
    ...routeOf(switchOperations.getOld),
    handler: async ({ params, query, raw }) => get(recordId("prc", params.id), query.wait, () => raw.destroyed),
  });

  routes.route({
    ...routeOf(notificationOperations.get),
    handler: async ({ params }) => notificationAnswer(await notifications.show(recordId("ntf", params.id))),
  });

  routes.route({
    ...routeOf(notificationOperations.confirm),
    handler: async ({ params }) => notificationAnswer(await notifications.confirm(recordId("ntf", params.id))),
  });

  routes.route({
    ...routeOf(notificationOperations.withhold),
    handler: async ({ params }) => notificationAnswer(await notifications.withhold(recordId("ntf", params.id))),
  });
}
