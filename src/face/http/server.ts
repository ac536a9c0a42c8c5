import swagger from "@fastify/swagger";
import Fastify, { type FastifyInstance } from "fastify";
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from "fastify-type-provider-zod";
import type { ErrorCode } from "../../base/error-catalogue.ts";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import type { TargetDesk } from "../../gateway/target-desk.ts";
import type { Log } from "../../link/driver.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { linkRoutes } from "./routes/links.ts";
import { notificationRoutes } from "./routes/notifications.ts";
import { type SessionControl, sessionRoutes } from "./routes/sessions.ts";
import { targetRoutes } from "./routes/targets.ts";
import { traceRoutes } from "./routes/traces.ts";
import type { TraceLog } from "./trace-log.ts";

/** What the API's handlers call. */
export interface ApiDeps {
  readonly gateway: Gateway;
  readonly targets: TargetDesk;
  readonly traces: TraceLog;
  readonly sessions: SessionControl;
  readonly log: Log;
  readonly version: string;
  /** Facts about the daemon for `GET /v1` (never secrets). */
  readonly about: () => Readonly<Record<string, unknown>>;
}

/** A problem+json body. RFC 9457 */
export interface Problem {
  readonly type: ErrorCode;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The answer an error becomes. */
export function problemOf(error: GatewayError): Problem {
  const { http, text } = error.entry;
  return {
    type: error.code,
    title: text,
    status: http,
    detail: error.message,
    ...(Object.keys(error.detail).length === 0 ? {} : { facts: error.detail }),
  };
}

/** The HTTP API, not listening yet. */
export async function apiServer(deps: ApiDeps): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: 8 * 1024 * 1024,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((thrown, request, reply) => {
    const error = translate(thrown);
    if (error.code === "api.internal") {
      deps.log.error(
        { method: request.method, url: request.url, err: thrown instanceof Error ? thrown.stack : String(thrown) },
        "a request failed by a bug",
      );
      return reply
        .code(500)
        .type("application/problem+json")
        .send(JSON.stringify(problemOf(new GatewayError("api.internal", "see the daemon's log"))));
    }
    return reply
      .code(error.entry.http)
      .type("application/problem+json")
      .send(JSON.stringify(problemOf(error)));
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new GatewayError("api.not-found", `${request.method} ${request.url} is no resource of this API`);
    return reply
      .code(404)
      .type("application/problem+json")
      .send(JSON.stringify(problemOf(error)));
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "otagate", version: deps.version, description: "OTA gateway for physical eUICCs" },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(targetRoutes, { deps });
  await app.register(jobRoutes, { deps });
  await app.register(linkRoutes, { deps });
  await app.register(sessionRoutes, { deps });
  await app.register(notificationRoutes, { deps });
  await app.register(eventRoutes, { deps });
  await app.register(traceRoutes, { deps });
  await app.register(healthRoutes, { deps });
  app.get("/v1/openapi.json", { schema: { hide: true } }, () => app.swagger());
  return app;
}

function translate(thrown: unknown): GatewayError {
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const [first] = thrown.validation;
    const where = thrown.validationContext ?? "request";
    const path = (first?.instancePath ?? "").replace(/^\//, "").replaceAll("/", ".");
    const field = path === "" ? where : path;
    return new GatewayError("api.usage", `${field}: ${first?.message ?? "not valid"}`, {
      detail: { field, in: where },
    });
  }
  if (
    thrown instanceof Error &&
    "statusCode" in thrown &&
    typeof thrown.statusCode === "number" &&
    thrown.statusCode < 500
  ) {
    return new GatewayError("api.usage", thrown.message);
  }
  return asGatewayError(thrown);
}
