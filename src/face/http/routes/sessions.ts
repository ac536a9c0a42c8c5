import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { Scp81Server } from "../../../link/scp81/server.ts";
import type { ApiDeps } from "../server.ts";
import { problems, referenceParams } from "../shapes.ts";

/** What the API needs of the SCP81 side. */
export interface SessionControl {
  readonly server: Scp81Server | undefined;
  readonly address: { readonly host: string; readonly port: number } | undefined;
}

const sessionShape = z.object({
  id: z.string(),
  target: z.string(),
  eid: z.string().optional(),
  remote: z.string(),
  openedAt: z.number(),
  phase: z.string(),
  posts: z.number().int(),
});

/** SCP81 sessions that are open now, and asking cards for one. */
export async function sessionRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { sessions } = deps;
  const list = () =>
    (sessions.server?.sessions() ?? []).map(({ id, target, eid, remote, openedAt, phase, posts }) => ({
      id,
      target,
      ...(eid === undefined ? {} : { eid }),
      remote,
      openedAt,
      phase: String(phase),
      posts,
    }));

  routes.get(
    "/v1/sessions",
    {
      schema: {
        tags: ["sessions"],
        summary: "Open SCP81 sessions, where the server listens, and its counters",
        response: {
          200: z.object({
            items: z.array(sessionShape),
            listening: z.object({ host: z.string(), port: z.number().int() }).optional(),
            counters: z.record(z.string(), z.number()),
          }),
          ...problems,
        },
      },
    },
    async () => ({
      items: list(),
      ...(sessions.address === undefined ? {} : { listening: sessions.address }),
      counters: { ...sessions.server?.stats },
    }),
  );

  routes.get(
    "/v1/sessions/:id",
    {
      schema: {
        tags: ["sessions"],
        summary: "One open session",
        params: z.object({ id: z.string() }),
        response: { 200: sessionShape, ...problems },
      },
    },
    async ({ params }) => {
      const found = list().find((session) => session.id === params.id);
      if (found === undefined) throw new GatewayError("api.not-found", `no open session '${params.id}'`);
      return found;
    },
  );

  routes.delete(
    "/v1/sessions/:id",
    {
      schema: {
        tags: ["sessions"],
        summary: "Cut a session; the card may resume it",
        params: z.object({ id: z.string() }),
        response: { 204: z.null(), ...problems },
      },
    },
    async ({ params }, reply) => {
      if (sessions.server?.close(params.id) !== true)
        throw new GatewayError("api.not-found", `no open session '${params.id}'`);
      return reply.code(204).send(null);
    },
  );

  routes.post(
    "/v1/targets/:ref/trigger",
    {
      schema: {
        tags: ["sessions"],
        summary: "Ask the card to open a session (Administration Session Triggering message by SMS)",
        params: referenceParams,
        response: { 202: z.object({ target: z.string() }), ...problems },
      },
    },
    async ({ params }, reply) => {
      const { target } = await deps.targets.show(params.ref);
      const state = await deps.gateway.https?.state(target);
      if (deps.gateway.https === undefined || state?.possible !== true)
        throw new GatewayError("target.no-key", "the target has no SCP81 key set, or the SCP81 server is off", {
          detail: { target: target.id },
        });
      await deps.gateway.https.trigger(target);
      return reply.code(202).send({ target: target.id });
    },
  );
}
