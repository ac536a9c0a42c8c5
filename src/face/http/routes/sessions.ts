import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import { validity } from "../../../gateway/jobs/job-order.ts";
import type { ApiDeps } from "../api-deps.ts";
import { idPage, pageInMemory } from "../page.ts";
import { idParams, problems, referenceParams } from "../shapes.ts";

const sessionShape = z
  .object({
    id: z.string(),
    target: z.string(),
    eid: z.string().optional(),
    remote: z.string(),
    openedAt: z.number(),
    phase: z.string(),
    posts: z.number().int(),
  })
  .meta({ id: "Session", description: "An SCP81 administration session that is open" });

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
        operationId: "listSessions",
        tags: ["sessions"],
        summary: "Open SCP81 sessions",
        description: "With where the server listens and its counters.",
        querystring: idPage,
        response: {
          200: z.object({
            items: z.array(sessionShape),
            cursor: z.string().optional().describe("Where the next page begins"),
            listening: z.object({ host: z.string(), port: z.number().int() }).optional(),
            counters: z.record(z.string(), z.number()),
          }),
          ...problems,
        },
      },
      config: { scope: "read" },
    },
    async ({ query }) => ({
      ...pageInMemory(
        list(),
        query,
        (session) => session.id,
        (session) => session,
      ),
      ...(sessions.address === undefined ? {} : { listening: sessions.address }),
      counters: { ...sessions.server?.stats },
    }),
  );

  routes.get(
    "/v1/sessions/:id",
    {
      schema: {
        operationId: "getSession",
        tags: ["sessions"],
        summary: "One open session",
        description: "What it is doing now.",
        params: idParams,
        response: { 200: sessionShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }) => {
      const found = list().find((session) => session.id === params.id);
      if (found === undefined)
        throw new GatewayError("api.not-found", `no open session '${params.id}'`, { detail: { field: "id" } });
      return found;
    },
  );

  routes.delete(
    "/v1/sessions/:id",
    {
      schema: {
        operationId: "cutSession",
        tags: ["sessions"],
        summary: "Cut a session",
        description: "The card may come back and resume it.",
        params: idParams,
        response: { 204: z.null().describe("Cut"), ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params }, reply) => {
      if (sessions.server?.close(params.id) !== true)
        throw new GatewayError("api.not-found", `no open session '${params.id}'`, { detail: { field: "id" } });
      return reply.code(204).send(null);
    },
  );

  routes.post(
    "/v1/targets/:ref/trigger",
    {
      schema: {
        operationId: "triggerSession",
        tags: ["sessions"],
        summary: "Ask the card to open a session",
        description:
          "By an Administration Session Triggering message (GP Amendment B §3.7) over SMS or ENVELOPE, repeated until the session is there, also after a restart.",
        params: referenceParams,
        body: z
          .strictObject({
            validityMs: validity
              .optional()
              .describe("How long to go on asking; 90 s when absent, which is one message"),
          })
          .nullish(),
        response: { 202: z.object({ target: z.string() }).describe("The message is on its way"), ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params, body }, reply) => {
      const { target } = await deps.targets.show(params.ref);
      const state = await deps.gateway.https?.state(target);
      if (deps.gateway.https === undefined || state?.possible !== true)
        throw new GatewayError("target.no-key", "the target has no SCP81 key set, or the SCP81 server is off", {
          detail: { target: target.id },
        });
      await deps.gateway.https.trigger(target, body?.validityMs);
      return reply.code(202).send({ target: target.id });
    },
  );
}
