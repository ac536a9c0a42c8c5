import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { toHex } from "../../../base/hex.ts";
import { notificationTypeText } from "../../../codec/euicc/notification.ts";
import type { ApiDeps } from "../server.ts";
import { notificationShape, pageQuery, problems } from "../shapes.ts";

const messageShape = z.object({
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
  receivedAt: z.number(),
});

/** What cards reported, and the short messages that links brought. */
export async function notificationRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { store } = deps.gateway;

  routes.get(
    "/v1/notifications",
    {
      schema: {
        tags: ["notifications"],
        summary: "Notifications of eUICCs, newest first",
        querystring: pageQuery.extend({ target: z.string().optional() }),
        response: { 200: z.object({ items: z.array(notificationShape), cursor: z.string().optional() }), ...problems },
      },
    },
    async ({ query }) => {
      const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
      const found = await store.read((r) =>
        r.notifications.list(target, query.cursor === undefined ? undefined : Number(query.cursor), query.limit),
      );
      const last = found.length === query.limit ? found.at(-1)?.seq : undefined;
      return {
        items: found.map((one) => ({ ...one, text: notificationTypeText(one.type) })),
        ...(last === undefined ? {} : { cursor: String(last) }),
      };
    },
  );

  routes.get(
    "/v1/messages",
    {
      schema: {
        tags: ["notifications"],
        summary: "Everything that links brought in, newest first",
        querystring: pageQuery,
        response: { 200: z.object({ items: z.array(messageShape), cursor: z.string().optional() }), ...problems },
      },
    },
    async ({ query }) => {
      const found = await store.read((r) =>
        r.inbox.list(query.cursor === undefined ? undefined : Number(query.cursor), query.limit),
      );
      const last = found.length === query.limit ? found.at(-1)?.seq : undefined;
      return {
        items: found.map(({ item, ...entry }) => ({
          ...entry,
          kind: item.kind,
          ...(item.kind === "message"
            ? {
                ...(item.from === undefined ? {} : { from: item.from }),
                ...(item.to === undefined ? {} : { to: item.to }),
                userData: toHex(item.userData),
              }
            : {}),
        })),
        ...(last === undefined ? {} : { cursor: String(last) }),
      };
    },
  );
}
