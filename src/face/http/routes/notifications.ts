import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { toHex } from "../../../base/hex.ts";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import type { InboxEntry } from "../../../gateway/model/inbox.ts";
import { textsOf } from "../../../gateway/smsc/message-text.ts";
import { messageOperations } from "../../api/messages.ts";
import { notificationOperations } from "../../api/notifications.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageOf } from "../page.ts";
import { routeOf } from "../route.ts";

/** What cards reported, and the short messages that links brought. */
export async function notificationRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { inbound, notifications } = deps.gateway;

  routes.route({
    ...routeOf(notificationOperations.list),
    handler: async ({ query }) => {
      const target = query.target === undefined ? undefined : (await deps.gateway.targets.show(query.target)).target.id;
      const found = await notifications.list(target, query.cursor, query.limit);
      return pageOf(
        found,
        query.limit,
        (last) => last.seq,
        (one) => ({ ...one, text: notificationTypeText(one.type) }),
      );
    },
  });

  routes.route({
    ...routeOf(messageOperations.list),
    handler: async ({ query }) => {
      const found = await inbound.list(query.cursor, query.limit);
      const texts = textsOf(found);
      return pageOf(
        found,
        query.limit,
        (last) => last.seq,
        (entry) => shownMessage(entry, texts.get(entry.id)),
      );
    },
  });
}

function shownMessage({ item, ...entry }: InboxEntry, text: string | undefined) {
  return {
    ...entry,
    kind: item.kind,
    ...(item.kind === "message"
      ? {
          ...(item.from === undefined ? {} : { from: item.from }),
          ...(item.to === undefined ? {} : { to: item.to }),
          userData: toHex(item.userData),
          ...(text === undefined ? {} : { text }),
        }
      : {}),
  };
}
