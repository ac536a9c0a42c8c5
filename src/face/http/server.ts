import swagger from "@fastify/swagger";
import Fastify, { type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { systemClock } from "../../base/clock.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { jsonExcess } from "../../base/json.ts";
import { LimitedLog } from "../../base/limited-log.ts";
import type { ApiTokens } from "../../gateway/access/api-tokens.ts";
import type { Campaigns } from "../../gateway/campaign/campaigns.ts";
import type { CardAudits } from "../../gateway/eis/card-audits.ts";
import type { ConnectivityParameters } from "../../gateway/eis/connectivity-parameters.ts";
import type { EisRecords } from "../../gateway/eis/eis-records.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import type { CardLeases } from "../../gateway/links/card-leases.ts";
import type { Pruner } from "../../gateway/retention/pruner.ts";
import type { Targets } from "../../gateway/targets/targets.ts";
import type { UpstreamControl } from "../../gateway/upstream/control.ts";
import type { Log } from "../../link/driver.ts";
import { type CertificateGrant, guard } from "./access.ts";
import { methodsOf } from "./methods.ts";
import { apiMetrics } from "./metrics.ts";
import { openApiDocument, openApiSettings } from "./open-api.ts";
import { OpenStreams, type StreamLimits } from "./open-streams.ts";
import { sendProblem, translate } from "./problem.ts";
import { auditRoutes } from "./routes/audit.ts";
import { campaignRoutes } from "./routes/campaigns.ts";
import { cardAuditRoutes } from "./routes/card-audit.ts";
import { eisRoutes } from "./routes/eis.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { identifierRoutes } from "./routes/identifiers.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { keyRoutes } from "./routes/keys.ts";
import { linkTestRoutes } from "./routes/link-test.ts";
import { linkRoutes } from "./routes/links.ts";
import { notificationRoutes } from "./routes/notifications.ts";
import { type SessionControl, sessionRoutes } from "./routes/sessions.ts";
import { storeRoutes } from "./routes/store.ts";
import { switchRoutes } from "./routes/switches.ts";
import { targetRoutes } from "./routes/targets.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { traceRoutes } from "./routes/traces.ts";
import { upstreamRoutes } from "./routes/upstreams.ts";
import type { TraceLog } from "./trace-log.ts";
import { refuseUnasked } from "./unasked.ts";

/** What the API's handlers call. */
export interface ApiDeps {
  readonly gateway: Gateway;
  readonly targets: Targets;
  readonly campaigns: Campaigns;
  readonly audits: CardAudits;
  readonly connectivity: ConnectivityParameters;
  readonly eis: EisRecords;
  readonly leases: CardLeases;
  readonly tokens: ApiTokens;
  readonly certificates: readonly CertificateGrant[];
  readonly traces: TraceLog;
  readonly sessions: SessionControl;
  readonly upstreams: UpstreamControl;
  readonly pruner: Pruner;
  readonly streams: StreamLimits;
  readonly log: Log;
  readonly version: string;
  /** Facts about the daemon for `GET /v1` (never secrets). */
  readonly about: () => Readonly<Record<string, unknown>>;
}

/** The HTTP API, not listening yet. */
export async function apiServer(deps: ApiDeps): Promise<FastifyInstance> {
  const log = new LimitedLog(deps.log, systemClock);
  const app = Fastify({
    logger: false,
    bodyLimit: 8 * 1024 * 1024,
    forceCloseConnections: true,
    requestTimeout: 300_000,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, translate(error));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((thrown, request, reply) => {
    const error = translate(thrown);
    if (error.code !== "api.internal") return sendProblem(reply, error);
    log.error(
      { method: request.method, route: request.routeOptions.url, err: thrown instanceof Error ? thrown.stack : "?" },
      "a request failed by a bug",
    );
    return sendProblem(reply, new GatewayError("api.internal", "see the daemon's log"));
  });
  app.removeContentTypeParser("text/plain");
  const json = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<string>("application/json", { parseAs: "string" }, (request, body, done) => {
    // Clients that send the header with no body mean no body.
    if (body === "") return done(null, undefined);
    const excess = typeof body === "string" ? jsonExcess(body) : undefined;
    if (excess === undefined) return void json(request, body, done);
    const { why, offset } = excess;
    done(
      new GatewayError("api.usage", `body: ${why} (offset ${offset})`, {
        detail: { field: "body", in: "body", offset },
      }),
    );
  });
  const methods = methodsOf(app);
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods(request.url);
    if (allowed.length === 0)
      return sendProblem(reply, new GatewayError("api.not-found", "path: no resource of this API is there"));
    reply.header("allow", allowed.join(", "));
    return sendProblem(
      reply,
      new GatewayError("api.method", `method: this resource knows ${allowed.join(", ")}`, {
        detail: { field: "method", allowed },
      }),
    );
  });
  const streams = new OpenStreams(deps.streams, deps.tokens, Date.now);
  deps.tokens.onRevoked(({ name }) => deps.leases.endOf(name));
  const { tokens, certificates } = deps;
  guard(app, { store: deps.gateway.store, tokens, certificates, streams, log, now: Date.now });
  refuseUnasked(app);
  await app.register(swagger, openApiSettings(deps.version));
  const metrics = apiMetrics(app, deps);
  await app.register(targetRoutes, { deps });
  await app.register(keyRoutes, { deps });
  await app.register(eisRoutes, { deps });
  await app.register(cardAuditRoutes, { deps });
  await app.register(jobRoutes, { deps });
  await app.register(campaignRoutes, { deps });
  await app.register(linkRoutes, { deps });
  await app.register(linkTestRoutes, { deps });
  await app.register(sessionRoutes, { deps });
  await app.register(notificationRoutes, { deps });
  await app.register(switchRoutes, { deps });
  await app.register(identifierRoutes, { deps });
  await app.register(eventRoutes, { deps, streams });
  await app.register(traceRoutes, { deps, streams });
  await app.register(upstreamRoutes, { deps });
  await app.register(tokenRoutes, { deps });
  await app.register(auditRoutes, { deps });
  await app.register(storeRoutes, { deps });
  await app.register(healthRoutes, { deps, metrics });
  app.get("/v1/openapi.json", { schema: { hide: true }, config: { scope: "public" } }, (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(document),
  );
  // Made once: it is the same for everybody, and strangers may ask for it.
  let document = "";
  app.addHook("onReady", async () => {
    document = JSON.stringify(openApiDocument(app));
  });
  return app;
}
