import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { keySetOperations } from "../../api/key-sets.ts";
import type { ApiDeps } from "../api-deps.ts";
import { ifMatch } from "../if-match.ts";
import { routeOf } from "../route.ts";

/** Key sets of a target: their values are written, never read. */
export async function keyRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { targets } = deps.gateway;

  routes.route({
    ...routeOf(keySetOperations.list),
    handler: async ({ params }, reply) => {
      const { target, keySets: found } = await targets.show(params.ref);
      return reply.header("etag", `"${target.version}"`).send({ keySets: found });
    },
  });

  routes.route({
    ...routeOf(keySetOperations.put),
    handler: async ({ params, body, headers }, reply) => {
      const { target, keySets: now } = await targets.putKeys(params.ref, body.keySets, ifMatch(headers["if-match"]));
      return reply.header("etag", `"${target.version}"`).send({ keySets: now });
    },
  });

  routes.route({
    ...routeOf(keySetOperations.remove),
    handler: async ({ params, headers }, reply) => {
      await targets.removeKeys(params.ref, params.keySet, ifMatch(headers["if-match"]));
      return reply.code(204).send(null);
    },
  });
}
