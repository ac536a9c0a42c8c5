import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { toHex } from "../../../base/hex.ts";
import { octetText } from "../../../base/octet-text.ts";
import { inTurns } from "../../../base/turns.ts";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import type { InboxEntry } from "../../../gateway/model/inbox.ts";
import { textsOf } from "../../../gateway/smsc/message-text.ts";
import { messageOperations, messageShape } from "../../api/messages.ts";
import { notificationOperations, notificationShape } from "../../api/notifications.ts";
import type { ApiDeps } from "../api-deps.ts";
import { sendPage, smallItems } from "../page.ts";
import { routeOf } from "../route.ts";

/** Notifications of cards, and received short messages. */
export async function notificationRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { inbound, notifications } = deps.gateway;

  routes.route({
    ...routeOf(notificationOperations.list),
    handler: async ({ query }, reply) => {
      const target = query.target === undefined ? undefined : (await deps.gateway.targets.show(query.target)).target.id;
      return sendPage(reply, query, {
        find: (cursor: number | undefined, limit) => notifications.list(target, cursor, limit),
        position: ({ seq }) => seq,
        answerOf: (one) => ({ ...octetText(one), text: notificationTypeText(one.type) }),
        item: notificationShape,
        atOnce: smallItems,
      });
    },
  });

  routes.route({
    ...routeOf(messageOperations.list),
    handler: async ({ query }, reply) => {
      const turn = inTurns(5);
      const found: InboxEntry[] = [];
      for (let more = true; more && found.length < query.limit; await turn()) {
        const wanted = Math.min(smallItems, query.limit - found.length);
        const piece = await inbound.list(found.at(-1)?.seq ?? query.cursor, wanted);
        found.push(...piece);
        more = piece.length === wanted;
      }
      // The parts of a text are joined from the whole page.
      const texts = textsOf(found);
      return sendPage(reply, query, {
        find: async (cursor: number | undefined, limit) =>
          found.filter(({ seq }) => cursor === undefined || seq < cursor).slice(0, limit),
        position: ({ seq }) => seq,
        answerOf: (entry) => shownMessage(entry, texts.get(entry.id)),
        item: messageShape,
        atOnce: smallItems,
      });
    },
  });
}

function shownMessage({ item, ...entry }: InboxEntry, text: string | undefined) {
  return {
    ...entry,
    kind: item.kind,
    ...(item.kind === "message"
      ? {
          ...withoutUndefined({ from: item.from, to: item.to }),
          userData: toHex(item.userData),
          ...withoutUndefined({ text }),
        }
      : {}),
  };
}
