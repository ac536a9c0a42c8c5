import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { drained } from "../drained.ts";
import type { ApiDeps } from "../server.ts";
import type { KeptFrame } from "../trace-log.ts";

const filter = z.object({
  link: z.string().optional(),
  target: z.string().optional(),
  job: z.string().optional(),
  kind: z.string().optional(),
  since: z.coerce.number().optional(),
  until: z.coerce.number().optional(),
});

/** Frames as they were exchanged; as JSON lines, kept ones or live. */
export async function traceRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  const wantedBy = async (query: z.infer<typeof filter>): Promise<(frame: KeptFrame) => boolean> => {
    const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
    const kinds = query.kind?.split(",");
    return (frame) =>
      (query.link === undefined || frame.link.includes(query.link)) &&
      (target === undefined || frame.target === target) &&
      (query.job === undefined || frame.job === query.job) &&
      (kinds === undefined || kinds.includes(frame.kind)) &&
      (query.since === undefined || frame.at >= query.since) &&
      (query.until === undefined || frame.at <= query.until);
  };

  routes.get(
    "/v1/traces",
    { schema: { tags: ["traces"], summary: "Kept frames as JSON lines", querystring: filter } },
    async ({ query }, reply) => {
      const wanted = await wantedBy(query);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/jsonl" });
      for await (const frame of deps.traces.read(wanted)) {
        if (!reply.raw.write(`${JSON.stringify(frame)}\n`)) await drained(reply.raw);
        if (reply.raw.destroyed) return;
      }
      reply.raw.end();
    },
  );

  routes.get(
    "/v1/traces/live",
    { schema: { tags: ["traces"], summary: "Frames as they pass, as JSON lines", querystring: filter } },
    async ({ query }, reply) => {
      const wanted = await wantedBy(query);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/jsonl" });
      reply.raw.flushHeaders();
      const off = deps.traces.onFrame((frame) => {
        if (wanted(frame) && reply.raw.writableLength < 4 * 1024 * 1024) reply.raw.write(`${JSON.stringify(frame)}\n`);
      });
      reply.raw.on("close", off);
    },
  );
}
