import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { octetText } from "../../../base/octet-text.ts";
import { shownJob } from "../../../gateway/jobs/shown-job.ts";
import { cardOperations } from "../../api/cards.ts";
import type { ApiDeps } from "../api-deps.ts";
import { faceOf, routeOf } from "../route.ts";

/** Card audits and connectivity parameters. */
export async function cardAuditRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { audits, connectivity } = deps.gateway;

  routes.route({
    ...routeOf(cardOperations.audit),
    handler: async ({ params, body, principal, raw }) => {
      const { fix, waitMs, bearer, link } = body ?? { fix: false, waitMs: 5_000 };
      const named = principal === undefined || principal.how === "socket" ? {} : { client: principal.client };
      return audits.audit(params.ref, {
        fix,
        waitMs,
        origin: { face: faceOf(raw), ...named },
        request: withoutUndefined({ bearer, link }),
      });
    },
  });

  routes.route({
    ...routeOf(cardOperations.connectivity),
    handler: async ({ params }) => {
      const { smsr, profiles, unreadable } = await connectivity.show(params.ref);
      return { smsr: { ...smsr }, profiles: profiles.map((one) => ({ ...one })), unreadable };
    },
  });

  routes.route({
    ...routeOf(cardOperations.setConnectivity),
    handler: async ({ params, body, principal, raw }, reply) => {
      const named = principal === undefined || principal.how === "socket" ? {} : { client: principal.client };
      const jobs = await connectivity.set(params.ref, body, { face: faceOf(raw), ...named });
      return reply.code(202).send({ jobs: jobs.map((job) => octetText(shownJob(job))) });
    },
  });
}
