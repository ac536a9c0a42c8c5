import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import { daemonOperations } from "../../api/daemon.ts";
import type { ApiDeps } from "../api-deps.ts";
import type { ApiMetrics } from "../metrics/metrics.ts";
import { routeOf } from "../route.ts";

/** How long the check whether the store accepts writes may take. */
const patienceMs = 5000;

/** Liveness and readiness of the daemon, its version, and metrics. */
export async function healthRoutes(
  app: FastifyInstance,
  { deps, metrics }: { deps: ApiDeps; metrics: ApiMetrics },
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { jobs, storeState } = deps.gateway;
  routes.route({ ...routeOf(daemonOperations.health), handler: async () => ({ status: "ok" as const }) });
  routes.route({
    ...routeOf(daemonOperations.readiness),
    handler: async () => {
      await within(patienceMs, storeState.check());
      return { status: "ready" as const };
    },
  });
  routes.route({
    ...routeOf(daemonOperations.get),
    handler: async () => ({
      name: "otagate",
      version: deps.version,
      facts: { ...deps.about() },
      jobs: { ...(await jobs.counts()) },
    }),
  });
  routes.route({
    ...routeOf(daemonOperations.metrics),
    handler: async (_request, reply) =>
      reply
        .type(metrics.contentType)
        .serializer(String)
        .send(await metrics.text()),
  });
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new GatewayError("api.timeout", "the store does not respond in time")), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
