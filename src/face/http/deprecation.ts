import type { FastifyInstance } from "fastify";

/** Since when the former names are deprecated, as a date of structured fields: 2026-11-30. RFC 9745 §2.1 */
const deprecatedSince = "@1795996800";

/** Marks answers of operations that only answer for one more release. */
export function announceDeprecation(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.deprecated === true) reply.header("deprecation", deprecatedSince);
  });
}
