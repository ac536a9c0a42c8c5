import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { keyLike } from "../../../base/key-like.ts";
import { type ApiToken, scopes } from "../../../gateway/model/api-token.ts";
import type { ApiDeps } from "../api-deps.ts";
import { idPage, pageOf, pageShape } from "../page.ts";
import { problems, tokenShape } from "../shapes.ts";

const shown = (token: ApiToken) => ({ ...token, scopes: [...token.scopes] });

/** API tokens. */
export async function tokenRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { tokens } = deps;

  routes.post(
    "/v1/tokens",
    {
      schema: {
        operationId: "createToken",
        tags: ["access"],
        summary: "Make an API token",
        description: "The answer holds its text, which is shown this once: only a hash is kept.",
        body: z.strictObject({
          name: z
            .string()
            .regex(/^[A-Za-z0-9._-]{1,60}$/, "letters, digits, dot, dash or underscore")
            .refine((text) => keyLike(text) === undefined, "could be a key; names are stored and shown in clear"),
          scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
          validMs: z
            .number()
            .int()
            .positive()
            .max(10 * 366 * 86_400_000)
            .optional()
            .describe("How long it is good for; for ever when absent"),
        }),
        response: { 201: z.object({ token: z.string().describe("The token itself"), about: tokenShape }), ...problems },
      },
      config: { scope: "admin" },
    },
    async ({ body }, reply) => {
      const { token, text } = await tokens.create(body.name, body.scopes, body.validMs);
      return reply
        .code(201)
        .header("cache-control", "no-store")
        .send({ token: text, about: shown(token) });
    },
  );

  routes.get(
    "/v1/tokens",
    {
      schema: {
        operationId: "listTokens",
        tags: ["access"],
        summary: "List API tokens",
        description: "Revoked ones too, without the tokens themselves.",
        querystring: idPage,
        response: { 200: pageShape(tokenShape), ...problems },
      },
      config: { scope: "admin" },
    },
    async ({ query }) => pageOf(await tokens.list(query.cursor, query.limit), query.limit, (last) => last.id, shown),
  );

  routes.delete(
    "/v1/tokens/:token",
    {
      schema: {
        operationId: "revokeToken",
        tags: ["access"],
        summary: "Revoke an API token",
        description: "By its id or name. It is refused from now on.",
        params: z.object({ token: z.string().min(1).max(100).describe("Id or name of the token") }),
        response: { 204: z.null().describe("Revoked"), ...problems },
      },
      config: { scope: "admin" },
    },
    async ({ params }, reply) => {
      await tokens.revoke(params.token);
      return reply.code(204).send(null);
    },
  );
}
