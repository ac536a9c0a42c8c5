import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiDeps } from "../server.ts";

/** Whether the daemon lives and is ready for work, and what it is. */
export async function healthRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get(
    "/healthz",
    {
      schema: {
        tags: ["health"],
        summary: "The process lives",
        response: { 200: z.object({ status: z.literal("ok") }) },
      },
    },
    async () => ({ status: "ok" as const }),
  );
  routes.get(
    "/readyz",
    {
      schema: {
        tags: ["health"],
        summary: "The store answers",
        response: { 200: z.object({ status: z.literal("ready") }) },
      },
    },
    async () => {
      await deps.gateway.store.read((r) => r.events.last());
      return { status: "ready" as const };
    },
  );
  routes.get(
    "/v1",
    {
      schema: {
        tags: ["health"],
        summary: "About this daemon",
        response: {
          200: z.object({
            name: z.string(),
            version: z.string(),
            facts: z.record(z.string(), z.unknown()),
            jobs: z.record(z.string(), z.number()),
          }),
        },
      },
    },
    async () => ({
      name: "otagate",
      version: deps.version,
      facts: { ...deps.about() },
      jobs: { ...(await deps.gateway.store.read((r) => r.jobs.counts())) },
    }),
  );
}
