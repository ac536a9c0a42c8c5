import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { ApiDeps } from "../api-deps.ts";
import type { ApiMetrics } from "../metrics.ts";
import { problems } from "../shapes.ts";

/** How long the store may take to say that it takes writes. */
const patienceMs = 5000;

/** Whether the daemon lives and is ready for work, what it is, and its numbers. */
export async function healthRoutes(
  app: FastifyInstance,
  { deps, metrics }: { deps: ApiDeps; metrics: ApiMetrics },
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { store } = deps.gateway;
  routes.get(
    "/healthz",
    {
      schema: {
        operationId: "getHealth",
        tags: ["health"],
        summary: "The process lives",
        description: "Needs no token.",
        response: { 200: z.object({ status: z.literal("ok") }), ...problems },
      },
      config: { scope: "public" },
    },
    async () => ({ status: "ok" as const }),
  );
  routes.get(
    "/readyz",
    {
      schema: {
        operationId: "getReadiness",
        tags: ["health"],
        summary: "The daemon takes work",
        description: "The store takes writes: something was written within the last second. Needs no token.",
        response: { 200: z.object({ status: z.literal("ready") }), ...problems },
      },
      config: { scope: "public" },
    },
    async () => {
      await within(patienceMs, store.check());
      return { status: "ready" as const };
    },
  );
  routes.get(
    "/v1",
    {
      schema: {
        operationId: "getDaemon",
        tags: ["health"],
        summary: "About this daemon",
        description: "Version, facts about the process, and how many jobs are in which state.",
        response: {
          200: z.object({
            name: z.string(),
            version: z.string(),
            facts: z.record(z.string(), z.unknown()),
            jobs: z.record(z.string(), z.number()),
          }),
          ...problems,
        },
      },
      config: { scope: "read" },
    },
    async () => ({
      name: "otagate",
      version: deps.version,
      facts: { ...deps.about() },
      jobs: { ...(await store.read((r) => r.jobs.counts())) },
    }),
  );
  routes.get(
    "/metrics",
    {
      schema: {
        operationId: "getMetrics",
        tags: ["health"],
        summary: "Numbers for Prometheus",
        description: "Text format of Prometheus. Labels come from closed sets: never an EID.",
        response: { 200: { description: "Metrics", content: { "text/plain": { schema: z.string() } } }, ...problems },
      },
      config: { scope: "read" },
    },
    async (_request, reply) =>
      reply
        .type(metrics.contentType)
        .serializer(String)
        .send(await metrics.text()),
  );
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new GatewayError("api.timeout", "the store does not answer in time")), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
