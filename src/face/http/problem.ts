import type { FastifyReply } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import type { ErrorCode } from "../../base/error-catalogue.ts";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import { safeName } from "../../base/key-like.ts";
import { mediaTypeRefused } from "./json-body.ts";

/** A problem+json body. RFC 9457 */
export interface Problem {
  readonly type: ErrorCode;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Media type of problems. RFC 9457 §3 */
export const problemType = "application/problem+json";

/** The answer an error becomes. */
export function problemOf(error: GatewayError): Problem {
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

/** What a thrown value means to the client; what he did not cause is `api.internal`. */
export function translate(thrown: unknown): GatewayError {
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    // A misspelt field is also one that is missing: that it is misspelt states more.
    const { validation, validationContext } = thrown;
    return invalid(validation.find((one) => one.keyword === "unrecognized_keys") ?? validation[0], validationContext);
  }
  const known = frameworkError(thrown);
  return known ?? asGatewayError(thrown);
}

interface Issue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

const places: Readonly<Record<string, string>> = { querystring: "query", params: "path", headers: "header" };

function invalid(issue: Issue | undefined, context: string | undefined): GatewayError {
  const where = places[context ?? ""] ?? context ?? "request";
  const path = (issue?.instancePath ?? "").replace(/^\//, "").replaceAll("/", ".");
  const keys = issue?.params?.keys;
  const extra = issue?.keyword === "unrecognized_keys" && Array.isArray(keys) ? safeName(String(keys[0])) : undefined;
  const field = [path, extra].filter((part) => part !== undefined && part !== "").join(".") || where;
  const message = issue?.message ?? "not valid";
  const why = extra === undefined || message.startsWith("unknown field") ? message : "there is no such field";
  return new GatewayError("api.usage", `${field}: ${why}`, { detail: { field, in: where } });
}

/** Refusals of the HTTP framework; their texts may quote the body, and are not passed on. */
function frameworkError(thrown: unknown): GatewayError | undefined {
  if (!(thrown instanceof Error) || !("statusCode" in thrown) || typeof thrown.statusCode !== "number")
    return undefined;
  const at = (field: string, place = "body") => ({ detail: { field, in: place } });
  switch (thrown.statusCode) {
    case 413:
      return new GatewayError("api.too-large", "body: larger than this API takes", at("body"));
    case 415:
      return mediaTypeRefused();
    case 414:
      return new GatewayError("api.too-large", "path: longer than this API takes", at("path", "path"));
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
