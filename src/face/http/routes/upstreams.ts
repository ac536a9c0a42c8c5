import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { OutboxEntry } from "../../../gateway/model/outbox.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageOf, pageShape, seqPage } from "../page.ts";
import { deadLetterShape, problems, upstreamShape } from "../shapes.ts";

const nameParams = z.object({ name: z.string().min(1).max(100).describe("Name of the upstream") });
const which = z
  .strictObject({ id: z.string().min(1).max(100).optional().describe("Only this one; all when absent") })
  .nullish();
const count = z.object({ count: z.number().int().describe("Dead letters that it was done to") });

function shown(entry: OutboxEntry) {
  const { id, seq, type, lane, attempts, error, createdAt, deadAt } = entry;
  return {
    id,
    seq,
    type,
    ...(lane === "" ? {} : { target: lane }),
    attempts,
    ...(error === undefined ? {} : { error }),
    createdAt,
    ...(deadAt === undefined ? {} : { deadAt }),
    event: JSON.parse(entry.body) as Record<string, unknown>,
  };
}

/** The SM-SRs above, and what they did not take. */
export async function upstreamRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { upstreams } = deps;

  routes.get(
    "/v1/upstreams",
    {
      schema: {
        operationId: "listUpstreams",
        tags: ["upstreams"],
        summary: "Upstreams and how they do",
        description: "The SM-SRs of the configuration: what waits for them, what was given up, the last trouble.",
        response: { 200: z.object({ items: z.array(upstreamShape) }), ...problems },
      },
      config: { scope: "read" },
    },
    async () => ({ items: (await upstreams.list()).map((one) => ({ ...one })) }),
  );

  routes.get(
    "/v1/upstreams/:name/dead",
    {
      schema: {
        operationId: "listDeadLetters",
        tags: ["upstreams"],
        summary: "Events that an upstream did not take",
        description: "Oldest first. They are kept until they are replayed or discarded.",
        params: nameParams,
        querystring: seqPage,
        response: { 200: pageShape(deadLetterShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params, query }) =>
      pageOf(await upstreams.dead(params.name, query.cursor ?? 0, query.limit), query.limit, (last) => last.seq, shown),
  );

  routes.post(
    "/v1/upstreams/:name/dead/replay",
    {
      schema: {
        operationId: "replayDeadLetters",
        tags: ["upstreams"],
        summary: "Send dead letters again",
        description: "All of them, or the one that is named: same id, same octets, before what is queued behind them.",
        params: nameParams,
        body: which,
        response: { 200: count, ...problems },
      },
      config: { scope: "admin" },
    },
    async ({ params, body }) => ({ count: await upstreams.replay(params.name, body?.id) }),
  );

  routes.post(
    "/v1/upstreams/:name/dead/discard",
    {
      schema: {
        operationId: "discardDeadLetters",
        tags: ["upstreams"],
        summary: "Drop dead letters",
        description: "All of them, or the one that is named.",
        params: nameParams,
        body: which,
        response: { 200: count, ...problems },
      },
      config: { scope: "admin" },
    },
    async ({ params, body }) => ({ count: await upstreams.discard(params.name, body?.id) }),
  );
}
