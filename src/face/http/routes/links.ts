import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { fromHex } from "../../../base/hex.ts";
import { octetText } from "../../../base/octet-text.ts";
import { shownApdus } from "../../../gateway/jobs/shown-job.ts";
import type { Link } from "../../../gateway/links/links.ts";
import { sendText } from "../../../gateway/smsc/send-text.ts";
import { linkOperations } from "../../api/links.ts";
import type { ApiDeps } from "../api-deps.ts";
import { pageInMemory } from "../page.ts";
import { routeOf } from "../route.ts";

async function linkAnswer(deps: ApiDeps, link: Link) {
  const target = link.card === undefined ? undefined : await deps.gateway.targetOfCard(link.card);
  const lease = deps.gateway.leases.find(link.id);
  return {
    id: link.id,
    kind: link.kind,
    up: link.state.up,
    ...withoutUndefined({ reason: link.state.reason }),
    ...(link.card === undefined ? {} : { card: { ...link.card } }),
    ...withoutUndefined({ target: target?.id }),
    ...(lease === undefined ? {} : { lease: { client: lease.client, expiresAt: lease.expiresAt } }),
    facts: { ...link.describe() },
  };
}

/** Readers, modems and SMSC binds. */
export async function linkRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { links } = deps.gateway;

  routes.route({
    ...routeOf(linkOperations.list),
    handler: async ({ query }) => {
      const wanted = links.list().filter((link) => query.kind === undefined || link.kind === query.kind);
      const page = pageInMemory(
        wanted,
        query,
        (link) => link.id,
        (link) => link,
      );
      return { ...page, items: await Promise.all(page.items.map((link) => linkAnswer(deps, link))) };
    },
  });

  routes.route({
    ...routeOf(linkOperations.get),
    handler: async ({ params }) => linkAnswer(deps, links.get(params.id)),
  });

  routes.route({
    ...routeOf(linkOperations.openLease),
    handler: async ({ params, body, principal }, reply) => {
      const lease = await deps.gateway.leases.open(params.id, principal?.client ?? "local", body.idleMs);
      return reply
        .code(201)
        .header("location", leasePath(lease.link, lease.id))
        .send({ ...lease });
    },
  });

  routes.route({
    ...routeOf(linkOperations.closeLease),
    handler: async ({ params }, reply) => {
      await deps.gateway.leases.close(params.id, params.lease);
      return reply.code(204).send(null);
    },
  });

  routes.route({
    ...routeOf(linkOperations.exchange),
    handler: async ({ params, body }) => {
      const apdus = body.apdus.map(fromHex);
      const answers = await deps.gateway.leases.exchange(params.id, body.lease, apdus, body.stopAtError);
      const sent = shownApdus(answers.map(({ apdu }) => apdu));
      return {
        responses: answers.map((one, at) => ({
          ...octetText({ ...one, apdu: sent[at] ?? one.apdu }),
          sw: swText(one.sw),
        })),
      };
    },
  });

  routes.route({
    ...routeOf(linkOperations.reset),
    handler: async ({ params, body }) =>
      linkAnswer(deps, await deps.gateway.leases.reset(params.id, body?.kind ?? "cold", body?.lease)),
  });

  routes.route({
    ...routeOf(linkOperations.powerCycle),
    handler: async ({ params, body }) => linkAnswer(deps, await deps.gateway.leases.powerCycle(params.id, body?.lease)),
  });

  routes.route({
    ...routeOf(linkOperations.sendAt),
    handler: async ({ params, body }) => {
      const lines = await deps.gateway.leases.use(params.id, body.lease, (link) => {
        if (link.command === undefined) throw new GatewayError("link.unsupported", `${link.id} is not a modem`);
        return link.command(body.line);
      });
      return { lines: [...lines] };
    },
  });

  routes.route({
    ...routeOf(linkOperations.sendText),
    handler: async ({ params, body }) => {
      const parts = await deps.gateway.leases.use(params.id, body.lease, (link) => {
        const { bearer } = link;
        if (bearer === undefined || link.kind === "reader")
          throw new GatewayError("link.unsupported", `${link.id} cannot carry text messages`);
        return sendText(bearer, body.to, body.text);
      });
      return { parts: parts.map((part) => ({ ...part })) };
    },
  });
}

function leasePath(link: string, lease: string): string {
  return `/v1/links/${encodeURIComponent(link)}/lease/${lease}`;
}

function swText(sw: number): string {
  return sw.toString(16).toUpperCase().padStart(4, "0");
}
