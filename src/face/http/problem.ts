import type { FastifyReply } from "fastify";
import type { ErrorCode } from "../../base/error-catalogue.ts";
import { asGatewayError, GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { mediaTypeRefused } from "./json-body.ts";

/** A problem+json body. RFC 9457 */
interface Problem {
  readonly type: ErrorCode;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Media type of problems. RFC 9457 §3 */
export const problemType = "application/problem+json";

/** The answer for an error. */
function problemOf(error: GatewayError): Problem {
  const { http, text } = error.entry;
  return {
    type: error.code,
    title: text,
    status: http,
    detail: error.message,
    ...(Object.keys(error.facts).length === 0 ? {} : { facts: error.facts }),
  };
}

/** Sends an error as a problem. */
export function sendProblem(reply: FastifyReply, error: GatewayError): FastifyReply {
  reply.request.problem = error.code;
  if (error.code === "api.unauthorized") reply.header("www-authenticate", 'Bearer realm="otagate"');
  return reply
    .code(error.entry.http)
    .type(problemType)
    .send(JSON.stringify(problemOf(error)));
}

/** The error for a thrown value; anything that the client did not cause becomes `api.internal`. */
export function translate(thrown: unknown, method: string): GatewayError {
  if (isGatewayError(thrown)) return thrown;
  return frameworkError(thrown, method) ?? asGatewayError(thrown);
}

/** Errors of the HTTP framework; their texts may quote the body and are not passed on. */
function frameworkError(thrown: unknown, method: string): GatewayError | undefined {
  if (!(thrown instanceof Error) || !("statusCode" in thrown) || typeof thrown.statusCode !== "number")
    return undefined;
  const at = (field: string, place = "body") => ({ detail: { field, in: place } });
  switch (thrown.statusCode) {
    case 413:
      return new GatewayError("api.too-large", "body: must not exceed 8 MiB", at("body"));
    case 415:
      return mediaTypeRefused(method);
    case 414:
      return new GatewayError("api.too-large", "path: a parameter must not exceed 512 characters", at("path", "path"));
    default:
      break;
  }
  if (thrown.statusCode >= 500) return undefined;
  const code = "code" in thrown ? String(thrown.code) : "";
  if (code === "FST_ERR_BAD_URL" || code.includes("MAX_PARAM"))
    return new GatewayError("api.usage", "path: not a valid URL", at("path", "path"));
  if (code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH")
    return new GatewayError("api.usage", "Content-Length: does not match the body", at("Content-Length", "header"));
  return new GatewayError("api.usage", "body: not valid JSON", at("body"));
}
