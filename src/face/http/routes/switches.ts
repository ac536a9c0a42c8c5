import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import type { NotificationRecord } from "../../../gateway/model/notification.ts";
import { type ProfileSwitch, switchOutcome } from "../../../gateway/model/profile-switch.ts";
import { notificationOperations } from "../../api/notifications.ts";
import { switchOperations } from "../../api/switches.ts";
import type { ApiDeps } from "../api-deps.ts";
import { awaited } from "../await-state.ts";
import { pageOf } from "../page.ts";
import { routeOf } from "../route.ts";

const shown = (one: NotificationRecord) => ({ ...one, text: notificationTypeText(one.type) });

/** Profile switches, and what is decided about the notifications they end with. */
export async function switchRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { events, notifications, switches } = deps.gateway;

  const list = async (query: z.infer<typeof switchOperations.list.query>) => {
    const target = query.target === undefined ? undefined : (await deps.gateway.targets.show(query.target)).target.id;
    const found = await switches.list(target, query.cursor, query.limit);
    return pageOf(
      found,
      query.limit,
      (last) => last.acceptedAt,
      (one) => one,
    );
  };

  routes.route({ ...routeOf(switchOperations.list), handler: ({ query }) => list(query) });
  routes.route({ ...routeOf(switchOperations.listOld), handler: ({ query }) => list(query) });

  routes.route({
    ...routeOf(switchOperations.get),
    handler: async ({ params, query, raw }) => {
      const read = () => switches.get(params.id);
      const ended = (one: ProfileSwitch) => switchOutcome(one) !== undefined;
      return { ...(await awaited(events, read, ended, { waitMs: query.wait, gone: () => raw.destroyed })) };
    },
  });

  routes.route({
    ...routeOf(notificationOperations.get),
    handler: async ({ params }) => shown(await notifications.show(params.id)),
  });

  routes.route({
    ...routeOf(notificationOperations.confirm),
    handler: async ({ params }) => shown(await notifications.confirm(params.id)),
  });

  routes.route({
    ...routeOf(notificationOperations.withhold),
    handler: async ({ params }) => shown(await notifications.withhold(params.id)),
  });
}
