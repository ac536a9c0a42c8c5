import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { linkOperations } from "../../api/links.ts";
import type { ApiDeps } from "../api-deps.ts";
import { faceOf, routeOf } from "../route.ts";

/** The self-test of links that carry messages to cards. */
export async function linkTestRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.route({
    ...routeOf(linkOperations.test),
    handler: async ({ params, body, principal, raw }, reply) => {
      const link = deps.gateway.links.get(params.id);
      if (link.test === undefined) throw new GatewayError("link.unsupported", `${link.id} has no self-test`);
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const client = principal?.client;
      const origin = { face: faceOf(raw), ...withoutUndefined({ client }) };
      const { passed, tries, works } = await link.test({ ...body, origin }, gone.signal);
      return { passed, tries: tries.map((one) => ({ ...one })), ...withoutUndefined({ works }) };
    },
  });
}
