import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiDeps } from "../api-deps.ts";
import { pageOf, pageShape, seqPage } from "../page.ts";
import { auditShape, problems } from "../shapes.ts";

/** The audit log. */
export async function auditRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/audit",
    {
      schema: {
        operationId: "listAudit",
        tags: ["access"],
        summary: "Who did what",
        description: "Every request that changes anything, and refusals of strangers; newest first.",
        querystring: seqPage.extend({
          client: z.string().min(1).max(200).optional().describe("Only of this client"),
          operation: z.string().min(1).max(100).optional().describe("Only of this operation id"),
        }),
        response: { 200: pageShape(auditShape), ...problems },
      },
      config: { scope: "admin" },
    },
    async ({ query }) => {
      const filter = {
        ...(query.client === undefined ? {} : { client: query.client }),
        ...(query.operation === undefined ? {} : { operation: query.operation }),
      };
      const found = await deps.gateway.store.read((r) => r.audit.list(filter, query.cursor, query.limit));
      return pageOf(
        found,
        query.limit,
        (last) => last.seq,
        (entry) => ({ ...entry }),
      );
    },
  );
}
