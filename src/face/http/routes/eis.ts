import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { eisOperations } from "../../api/eis.ts";
import type { ApiDeps } from "../api-deps.ts";
import { routeOf } from "../route.ts";

/** The EIS as a document, and its certificates. */
export async function eisRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.route({
    ...routeOf(eisOperations.export),
    handler: async ({ params, query }, reply) => {
      const text = await deps.gateway.eis.export(params.ref, query.format);
      return reply
        .type(query.format === "xml" ? "application/xml; charset=utf-8" : "application/json")
        .serializer(String)
        .send(text);
    },
  });

  routes.route({
    ...routeOf(eisOperations.certificates),
    handler: async ({ params, body }) => await deps.gateway.eis.certificates(params.ref, withoutUndefined(body ?? {})),
  });
}
