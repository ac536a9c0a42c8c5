import type { FastifyInstance } from "fastify";
import { GatewayError } from "../../base/gateway-error.ts";
import { safeName } from "../../base/key-like.ts";

/**
 * Refuses query parameters and bodies of routes that take none: a misspelled filter or field is an error and not ignored.
 * Other routes check them by their schema.
 */
export function refuseUnexpectedInput(app: FastifyInstance): void {
  app.addHook("preValidation", async (request) => {
    if (request.is404) return;
    const { schema } = request.routeOptions;
    if (schema?.querystring === undefined) refuse(request.query, "query");
    if (schema?.body === undefined) refuse(request.body, "body");
  });
}

/** @throws api.usage naming the first field */
function refuse(given: unknown, place: "query" | "body"): void {
  if (given === undefined || given === null) return;
  const [key] = typeof given === "object" ? Object.keys(given) : [place];
  if (key === undefined) return;
  const field = safeName(key);
  const what = place === "query" ? "query parameters" : "body";
  throw new GatewayError("api.usage", `${field}: unknown field; this request has no ${what}`, {
    detail: { field, in: place },
  });
}
