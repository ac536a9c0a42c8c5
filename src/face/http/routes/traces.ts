import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { type frameFilter, traceOperations } from "../../api/traces.ts";
import type { ApiDeps } from "../api-deps.ts";
import type { OpenStreams } from "../open-streams.ts";
import { routeOf } from "../route.ts";
import type { KeptFrame } from "../trace-log.ts";
import { waitForDrain } from "../wait-for-drain.ts";

/** Unread octets of a client above which frames are dropped. */
const unreadOctets = 1024 * 1024;

/** Frames as they were exchanged; as JSON lines, kept ones or live. */
export async function traceRoutes(
  app: FastifyInstance,
  { deps, streams }: { deps: ApiDeps; streams: OpenStreams },
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  const wantedBy = async (query: z.infer<typeof frameFilter>): Promise<(frame: KeptFrame) => boolean> => {
    const target = query.target === undefined ? undefined : (await deps.gateway.targets.show(query.target)).target.id;
    const kinds: readonly string[] | undefined = query.kind;
    return (frame) =>
      (query.link === undefined || frame.link.includes(query.link)) &&
      (target === undefined || frame.target === target) &&
      (query.job === undefined || frame.job === query.job) &&
      (kinds === undefined || kinds.includes(frame.kind)) &&
      (query.since === undefined || frame.at >= query.since) &&
      (query.until === undefined || frame.at <= query.until);
  };

  routes.route({
    ...routeOf(traceOperations.list),
    exposeHeadRoute: false,
    handler: async ({ query, principal }, reply) => {
      const wanted = await wantedBy(query);
      streams.open(principal, reply.raw);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/jsonl" });
      for await (const frame of deps.traces.read(wanted)) {
        if (!reply.raw.write(`${JSON.stringify(frame)}\n`) && !(await waitForDrain(reply.raw))) {
          reply.raw.destroy();
          return;
        }
        if (reply.raw.destroyed) return;
      }
      reply.raw.end();
    },
  });

  routes.route({
    ...routeOf(traceOperations.live),
    exposeHeadRoute: false,
    handler: async ({ query, principal }, reply) => {
      const wanted = await wantedBy(query);
      streams.open(principal, reply.raw);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/jsonl" });
      reply.raw.flushHeaders();
      const off = deps.traces.onFrame((frame, line) => {
        if (reply.raw.writableLength < unreadOctets && wanted(frame)) reply.raw.write(line);
      });
      reply.raw.on("close", off);
    },
  });
}
