import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { shownDownload } from "../../../gateway/downloads/shown-download.ts";
import { recordId } from "../../../gateway/model/identifiers.ts";
import { downloadOperations, downloadShape } from "../../api/downloads.ts";
import type { ApiDeps } from "../api-deps.ts";
import { awaited } from "../await-state.ts";
import { sendPage } from "../page.ts";
import { faceOf, routeOf } from "../route.ts";

/** Downloads of profile packages. */
export async function downloadRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { downloads, events, targets } = deps.gateway;

  routes.route({
    ...routeOf(downloadOperations.start),
    handler: async ({ body, headers, principal, raw }, reply) => {
      const named = principal === undefined || principal.how === "socket" ? {} : { client: principal.client };
      const origin = { face: faceOf(raw), ...named };
      const key = headers["idempotency-key"];
      const { download, created } = await downloads.start(body, { origin, ...withoutUndefined({ key }) });
      return reply
        .code(created ? 201 : 200)
        .header("location", `/v1/downloads/${download.id}`)
        .send(shownDownload(await downloads.follow(download.id)));
    },
  });

  routes.route({
    ...routeOf(downloadOperations.plan),
    handler: async ({ body }) => {
      const { findings, obstacles, steps, ...plan } = await downloads.plan(body);
      return { ...plan, findings: [...findings], obstacles: [...obstacles], steps: [...steps] };
    },
  });

  routes.route({
    ...routeOf(downloadOperations.list),
    handler: async ({ query }, reply) => {
      const target = query.target === undefined ? undefined : (await targets.show(query.target)).target.id;
      return sendPage(reply, query, {
        find: (cursor, limit) => downloads.list(withoutUndefined({ target }), cursor, limit),
        position: ({ download }) => download.id,
        answerOf: shownDownload,
        item: downloadShape,
      });
    },
  });

  routes.route({
    ...routeOf(downloadOperations.get),
    handler: async ({ params, query, raw }) => {
      const waiting = { waitMs: query.wait, gone: () => raw.destroyed };
      const hasEnded = ({ download }: Awaited<ReturnType<typeof downloads.follow>>) => download.endedAt !== undefined;
      const id = recordId("dld", params.id);
      return shownDownload(await awaited(events, () => downloads.follow(id), hasEnded, waiting));
    },
  });

  routes.route({
    ...routeOf(downloadOperations.cancel),
    handler: async ({ params }) => {
      const id = recordId("dld", params.id);
      await downloads.cancel(id);
      return shownDownload(await downloads.follow(id));
    },
  });
}
