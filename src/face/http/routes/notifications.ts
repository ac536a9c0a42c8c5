import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { toHex } from "../../../base/hex.ts";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import type { InboxEntry } from "../../../gateway/model/inbox.ts";
import { textsOf } from "../../../gateway/smsc/message-text.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageOf, pageShape, seqPage } from "../page.ts";
import { notificationShape, problems, targetFilter } from "../shapes.ts";

const messageShape = z
  .object({
    id: z.string(),
    seq: z.number().int(),
    link: z.string(),
    target: z.string().optional(),
    kind: z.enum(["message", "receipt"]),
    state: z.string(),
    verdict: z.string().optional(),
    from: z.string().optional(),
    to: z.string().optional(),
    userData: z.string().optional(),
    text: z.string().optional().describe("Of a text message; of several messages joined, the whole in each of them"),
    receivedAt: z.number(),
  })
  .meta({ id: "Message", description: "A short message or receipt as a link brought it" });

/** What cards reported, and the short messages that links brought. */
export async function notificationRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { store } = deps.gateway;

  routes.get(
    "/v1/notifications",
    {
      schema: {
        operationId: "listNotifications",
        tags: ["notifications"],
        summary: "Notifications of eUICCs",
        description: "Newest first; each once, however often the card repeated it.",
        querystring: seqPage.extend({ target: targetFilter }),
        response: { 200: pageShape(notificationShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query }) => {
      const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
      const found = await store.read((r) => r.notifications.list(target, query.cursor, query.limit));
      return pageOf(
        found,
        query.limit,
        (last) => last.seq,
        (one) => ({ ...one, text: notificationTypeText(one.type) }),
      );
    },
  );

  routes.get(
    "/v1/messages",
    {
      schema: {
        operationId: "listMessages",
        tags: ["notifications"],
        summary: "Short messages and receipts that links brought in",
        description: "Newest first, as they came; `verdict` says what was made of them.",
        querystring: seqPage,
        response: { 200: pageShape(messageShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query }) => {
      const found = await store.read((r) => r.inbox.list(query.cursor, query.limit));
      const texts = textsOf(found);
      return pageOf(
        found,
        query.limit,
        (last) => last.seq,
        (entry) => shownMessage(entry, texts.get(entry.id)),
      );
    },
  );
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
