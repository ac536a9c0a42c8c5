import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ApiToken } from "../../../gateway/model/api-token.ts";
import { tokenOperations } from "../../api/tokens.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageOf } from "../page.ts";
import { routeOf } from "../route.ts";

const tokenAnswer = (token: ApiToken) => ({ ...token, scopes: [...token.scopes] });

/** API tokens. */
export async function tokenRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { tokens } = deps.gateway;

  routes.route({
    ...routeOf(tokenOperations.create),
    handler: async ({ body }, reply) => {
      const { token, text } = await tokens.create(body.name, body.scopes, body.validMs);
      return reply
        .code(201)
        .header("cache-control", "no-store")
        .send({ token: text, about: tokenAnswer(token) });
    },
  });

  routes.route({
    ...routeOf(tokenOperations.list),
    handler: async ({ query }) =>
      pageOf(await tokens.list(query.cursor, query.limit), query.limit, (last) => last.id, tokenAnswer),
  });

  routes.route({
    ...routeOf(tokenOperations.revoke),
    handler: async ({ params }, reply) => {
      await tokens.revoke(params.token);
      return reply.code(204).send(null);
    },
  });
}
