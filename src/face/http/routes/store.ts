import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { Retention } from "../../../gateway/model/retention.ts";
import { storeOperations } from "../../api/store.ts";
import type { ApiDeps } from "../api-deps.ts";
import { routeOf } from "../route.ts";

/** The store: its size, and the removal of records past their retention. */
export async function storeRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { pruner, storeState } = deps.gateway;

  routes.route({
    ...routeOf(storeOperations.get),
    handler: async () => {
      const { bytes, freeBytes } = await storeState.size();
      const { latest: run, retention } = pruner;
      return { retention: { ...retention }, bytes, freeBytes, ...withoutUndefined({ run }) };
    },
  });

  routes.route({
    ...routeOf(storeOperations.prune),
    handler: async ({ body: { dryRun, ...given } }, reply) => {
      const asked: Retention = Object.fromEntries(Object.entries(given).filter(([, ms]) => ms !== undefined));
      const all = Object.keys(asked).length === 0;
      return reply.code(202).send(pruner.begin({ dryRun, ...(all ? {} : { retention: asked }) }));
    },
  });

  routes.route({
    ...routeOf(storeOperations.getPrune),
    handler: async ({ params }) => {
      const run = pruner.run(params.run);
      if (run === undefined)
        throw new GatewayError("api.not-found", "run: no such run since the start", { detail: { field: "run" } });
      return run;
    },
  });
}
