import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { abbreviable, maxIdentifiers } from "../../../gateway/model/identifiers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { problems } from "../shapes.ts";

const beginning = new RegExp(`^(${abbreviable.join("|")})_[0-9a-z]{0,26}$`);

/** Identifiers by their beginning, for clients that let their users abbreviate them. */
export async function identifierRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get(
    "/v1/identifiers",
    {
      schema: {
        operationId: "findIdentifiers",
        tags: ["health"],
        summary: "Complete an identifier",
        description: `Identifiers that begin as given, in order, at most ${maxIdentifiers}: one is the record that is meant.`,
        querystring: z.strictObject({
          beginning: z
            .string()
            .regex(beginning, `must be one of ${abbreviable.join(", ")}, an underscore, and the first characters`)
            .describe("For example `job_01k9`"),
        }),
        response: { 200: z.object({ items: z.array(z.string()) }), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query }) => {
      const kind = abbreviable.find((one) => query.beginning.startsWith(`${one}_`)) ?? "job";
      return { items: await deps.gateway.store.read((r) => r.identifiers.startingWith(kind, query.beginning)) };
    },
  );
}
