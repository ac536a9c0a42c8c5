import type { IncomingMessage } from "node:http";
import type { FastifyInstance, HTTPMethods } from "fastify";
import type { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import type { Scope } from "../../gateway/model/api-token.ts";
import { cliAgent } from "../api/client.ts";
import { problemShape } from "../api/kit/error.ts";
import { type Example, exampleStatus, type Operation, placeOf } from "../api/kit/operation.ts";
import { mergePatchType } from "./json-body.ts";

/** The problem answers of a route, for its response schema. */
const problems = { "4xx": problemShape, "5xx": problemShape } as const;

type Part<O, K extends string, Name extends string> = O extends { readonly [P in K]: infer S extends z.ZodType }
  ? { readonly [P in Name]: S }
  : unknown;

type Served<O extends Operation> = Part<O, "params", "params"> &
  Part<O, "query", "querystring"> &
  Part<O, "headers", "headers"> &
  Part<O, "body", "body"> & {
    readonly response: O["answers"] & typeof problems;
    readonly operationId: string;
  };

/** An example in the document. */
export type Shown = Example & { readonly status: number };

/** The route options of an operation: its path, and the schemas that validate and serialize it. */
interface RouteOf<O extends Operation> {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly schema: Served<O>;
  readonly config: {
    readonly scope: Scope | "public";
    readonly mediaType?: string;
    readonly deprecated?: boolean;
    readonly example: Shown;
  };
}

/** The route of an operation, without its handler. */
export function routeOf<O extends Operation>(operation: O): RouteOf<O>;
export function routeOf(operation: Operation): RouteOf<Operation> {
  const { route, scope, query, answers, params, headers, body, mediaType, example, ...about } = operation;
  const { method, path: url } = placeOf(route);
  const schema = {
    ...about,
    ...withoutUndefined({ params, querystring: query, headers, body }),
    ...(method === "PATCH" ? { consumes: [mergePatchType, "application/json"] } : {}),
    response: { ...answers, ...problems },
  };
  const config = {
    scope,
    example: { ...example, status: exampleStatus(operation) },
    ...withoutUndefined({ mediaType }),
    ...(about.deprecated === true ? { deprecated: true } : {}),
  };
  return { method, url, schema, config };
}

/**
 * The face of a request: the command line, if its User-Agent is that of the command line. It has no effect on
 * permissions.
 */
export function faceOf(request: IncomingMessage): "cli" | "api" {
  return request.headers["user-agent"] === cliAgent ? "cli" : "api";
}

/** Since when the former names are deprecated, as a date of structured fields: 2026-11-30. RFC 9745 §2.1 */
const deprecatedSince = "@1795996800";

/** Marks answers of operations that are supported for one more release only. */
export function announceDeprecation(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.deprecated === true) reply.header("deprecation", deprecatedSince);
  });
}
