import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { abbreviable } from "../../../gateway/model/identifiers.ts";
import { identifierOperations } from "../../api/identifiers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { routeOf } from "../route.ts";

/** Identifiers by their beginning, for clients whose users may abbreviate them. */
export async function identifierRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    ...routeOf(identifierOperations.find),
    handler: async ({ query }) => {
      const kind = abbreviable.find((one) => query.beginning.startsWith(`${one}_`)) ?? "job";
      return { items: await deps.gateway.storeState.identifiers(kind, query.beginning) };
    },
  });
}
