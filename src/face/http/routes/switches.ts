import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import type { NotificationRecord } from "../../../gateway/model/notification.ts";
import { type ProfileSwitch, requireSwitch, switchOutcome } from "../../../gateway/model/profile-switch.ts";
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
  const { desk, store } = deps.gateway;

  const list = async (query: z.infer<typeof switchOperations.list.query>) => {
    const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
    const found = await store.read((r) => r.profileSwitches.list(target, query.cursor, query.limit));
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
      const read = () => store.read((r) => requireSwitch(r, params.id));
      const ended = (one: ProfileSwitch) => switchOutcome(one) !== undefined;
      return { ...(await awaited(store, read, ended, { waitMs: query.wait, gone: () => raw.destroyed })) };
    },
  });

  routes.route({
    ...routeOf(notificationOperations.get),
    handler: async ({ params }) => shown(await desk.show(params.id)),
  });

  routes.route({
    ...routeOf(notificationOperations.confirm),
    handler: async ({ params }) => shown(await desk.confirm(params.id)),
  });

  routes.route({
    ...routeOf(notificationOperations.withhold),
    handler: async ({ params }) => shown(await desk.withhold(params.id)),
  });
}
