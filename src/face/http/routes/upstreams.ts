import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import type { OutboxEntry } from "../../../gateway/model/outbox.ts";
import { deadLetterShape, upstreamOperations } from "../../api/upstreams.ts";
import type { ApiDeps } from "../api-deps.ts";
import { sendPage } from "../page.ts";
import { routeOf } from "../route.ts";

function deadLetterAnswer(entry: OutboxEntry) {
  const { id, seq, type, lane, attempts, error, createdAt, deadAt } = entry;
  return {
    id,
    seq,
    type,
    ...(lane === "" ? {} : { target: lane }),
    attempts,
    ...withoutUndefined({ error }),
    createdAt,
    ...withoutUndefined({ deadAt }),
    event: JSON.parse(entry.body) as Record<string, unknown>,
  };
}

/** Upstream SM-SRs and their dead letters. */
export async function upstreamRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { upstreams } = deps;

  routes.route({
    ...routeOf(upstreamOperations.list),
    handler: async () => ({ items: (await upstreams.list()).map((one) => ({ ...one })) }),
  });

  routes.route({
    ...routeOf(upstreamOperations.deadLetters),
    handler: async ({ params, query }, reply) =>
      sendPage(reply, query, {
        find: (cursor: number | undefined, limit) => upstreams.dead(params.name, cursor ?? 0, limit),
        position: ({ seq }) => seq,
        answerOf: deadLetterAnswer,
        item: deadLetterShape,
      }),
  });

  routes.route({
    ...routeOf(upstreamOperations.replay),
    handler: async ({ params, body }) => ({ count: await upstreams.replay(params.name, body?.id) }),
  });

  routes.route({
    ...routeOf(upstreamOperations.discard),
    handler: async ({ params, body }) => ({ count: await upstreams.discard(params.name, body?.id) }),
  });
}
