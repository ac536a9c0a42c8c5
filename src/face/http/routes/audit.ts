import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { auditOperations } from "../../api/audit.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageOf } from "../page.ts";
import { routeOf } from "../route.ts";

/** The audit log. */
export async function auditRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    ...routeOf(auditOperations.list),
    handler: async ({ query }) => {
      const filter = withoutUndefined({ client: query.client, operation: query.operation });
      const found = await deps.gateway.auditLog.list(filter, query.cursor, query.limit);
      return pageOf(
        found,
        query.limit,
        (last) => last.seq,
        (entry) => ({ ...entry }),
      );
    },
  });
}
