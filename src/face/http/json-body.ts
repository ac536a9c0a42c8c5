import type { FastifyInstance } from "fastify";
import { GatewayError } from "../../base/gateway-error.ts";
import { jsonExcess } from "../../base/json.ts";

/** Media type of a change. RFC 7396 §4 */
export const mergePatchType = "application/merge-patch+json";

/** Reads JSON bodies, and merge patches where a resource can be changed by one; any other media type is refused. */
export function acceptJson(app: FastifyInstance): void {
  app.removeContentTypeParser("text/plain");
  const json = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<string>(
    ["application/json", mergePatchType],
    { parseAs: "string" },
    (request, body, done) => {
      if (
        request.method !== "PATCH" &&
        request.headers["content-type"]?.toLowerCase().startsWith(mergePatchType) === true
      )
        return done(mediaTypeRefused(request.method));
      // Clients that send the header without a body mean no body.
      if (body === "") return done(null, undefined);
      const excess = typeof body === "string" ? jsonExcess(body) : undefined;
      if (excess === undefined)
        return void json(request, body, (error, value) => done(error === null ? null : unreadable(error, body), value));
      const { why, offset } = excess;
      done(
        new GatewayError("api.usage", `body: ${why} (offset ${offset})`, {
          detail: { field: "body", in: "body", offset },
        }),
      );
    },
  );
}

/** The refusal of a body that the parser has refused: it may be JSON with fields that change a prototype. */
function unreadable(error: Error, body: string): Error {
  if (!isJson(body)) return error;
  return new GatewayError("api.usage", "body: must not have a field `__proto__` or `constructor.prototype`", {
    detail: { field: "body", in: "body" },
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The refusal of a body that is not JSON. */
export function mediaTypeRefused(method: string): GatewayError {
  const types = method === "PATCH" ? `application/json or ${mergePatchType}` : "application/json";
  return new GatewayError("api.media-type", `Content-Type: must be ${types}`, {
    detail: { field: "Content-Type", in: "header" },
  });
}
