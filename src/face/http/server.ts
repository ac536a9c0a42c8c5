import Fastify, { type FastifyInstance } from "fastify";
import { systemClock } from "../../base/clock.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { LimitedLog } from "../../base/limited-log.ts";
import { guard } from "./access.ts";
import type { ApiDeps } from "./api-deps.ts";
import { serializerCompiler, validatorCompiler } from "./compilers.ts";
import { acceptJson } from "./json-body.ts";
import { methodsOf } from "./methods.ts";
import { apiMetrics } from "./metrics/metrics.ts";
import { OpenStreams } from "./open-streams.ts";
import { sendProblem, translate } from "./problem.ts";
import { announceDeprecation } from "./route.ts";
import { allRoutes } from "./routes/all.ts";
import { refuseUnexpectedInput } from "./unexpected-input.ts";

/** The HTTP API, not listening yet. */
export async function apiServer(deps: ApiDeps): Promise<FastifyInstance> {
  const log = new LimitedLog(deps.log, systemClock);
  const app = Fastify({
    logger: false,
    bodyLimit: 8 * 1024 * 1024,
    forceCloseConnections: true,
    requestTimeout: 300_000,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: (error, request, reply) => {
      sendProblem(reply, translate(error, request.method));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((thrown, request, reply) => {
    const error = translate(thrown, request.method);
    if (error.code !== "api.internal") return sendProblem(reply, error);
    log.error(
      { method: request.method, route: request.routeOptions.url, err: thrown instanceof Error ? thrown.stack : "?" },
      "internal error in a request",
    );
    return sendProblem(reply, new GatewayError("api.internal", "see the daemon's log"));
  });
  acceptJson(app);
  const methods = methodsOf(app);
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods(request.url);
    if (allowed.length === 0) return sendProblem(reply, new GatewayError("api.not-found", "path: no such resource"));
    reply.header("allow", allowed.join(", "));
    return sendProblem(
      reply,
      new GatewayError("api.method", `method: must be one of ${allowed.join(", ")}`, {
        detail: { field: "method", allowed },
      }),
    );
  });
  const streams = new OpenStreams(deps.streams, deps.gateway.tokens, Date.now);
  const { auditLog, leases, storeState, tokens } = deps.gateway;
  tokens.onRevoked(({ name }) => leases.endOf(name));
  const storable = () => storeState.trouble === undefined;
  guard(app, { auditLog, storable, tokens, certificates: deps.certificates, streams, log, now: Date.now });
  refuseUnexpectedInput(app);
  announceDeprecation(app);
  await deps.prepare?.(app);
  const metrics = apiMetrics(app, deps);
  for (const routes of allRoutes) await app.register(routes, { deps, streams, metrics });
  app.get("/v1/openapi.json", { schema: { hide: true }, config: { scope: "public" } }, async (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(await deps.document()),
  );
  return app;
}
