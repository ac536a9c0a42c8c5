import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { sessionOperations } from "../../api/sessions.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageInMemory } from "../page.ts";
import { routeOf } from "../route.ts";

/** Open SCP81 sessions, and requests for new ones. */
export async function sessionRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { sessions } = deps;
  const list = () =>
    (sessions.server?.sessions() ?? []).map(({ id, target, eid, remote, openedAt, phase, posts }) => ({
      id,
      target,
      ...withoutUndefined({ eid }),
      remote,
      openedAt,
      phase: String(phase),
      posts,
    }));

  routes.route({
    ...routeOf(sessionOperations.list),
    handler: async ({ query }) => ({
      ...pageInMemory(
        list(),
        query,
        (session) => session.id,
        (session) => session,
      ),
      ...withoutUndefined({ listening: sessions.address }),
      counters: { ...sessions.server?.stats },
    }),
  });

  routes.route({
    ...routeOf(sessionOperations.get),
    handler: async ({ params }) => {
      const found = list().find((session) => session.id === params.id);
      if (found === undefined)
        throw new GatewayError("api.not-found", `no open session '${params.id}'`, { detail: { field: "id" } });
      return found;
    },
  });

  routes.route({
    ...routeOf(sessionOperations.cut),
    handler: async ({ params }, reply) => {
      if (sessions.server?.close(params.id) !== true)
        throw new GatewayError("api.not-found", `no open session '${params.id}'`, { detail: { field: "id" } });
      return reply.code(204).send(null);
    },
  });

  routes.route({
    ...routeOf(sessionOperations.trigger),
    handler: async ({ params, body }, reply) => {
      const target = await deps.gateway.sessions.request(params.ref, body?.validityMs);
      return reply.code(202).send({ target: target.id });
    },
  });
}
