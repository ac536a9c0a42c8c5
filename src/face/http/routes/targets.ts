import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { ImportOutcome } from "../../../gateway/target-desk.ts";
import {
  csvTargets,
  ReachShape,
  TargetSettingsShape,
  TargetShape,
  withoutUndefined,
} from "../../../gateway/target-import.ts";
import { ifMatch, ifMatchHeaders } from "../if-match.ts";
import { idPage, pageOf, pageShape } from "../page.ts";
import type { ApiDeps } from "../server.ts";
import { keySetShape, problems, referenceParams, targetDetailShape, targetShape } from "../shapes.ts";

const outcome = z
  .object({
    target: targetShape,
    created: z.boolean(),
    keySets: z.array(keySetShape),
    warnings: z.array(z.string()).describe("What is odd about the description"),
  })
  .meta({ id: "ImportOutcome", description: "What became of one imported description" });

/** A description of a target; checked by the import itself, so that what it does not know is kept. */
const description = z.record(z.string(), z.unknown()).meta({
  title: "Target description",
  description: "A target as JSON of its EIS, keys included; other fields are kept for people",
  properties: described(),
});

function described(): unknown {
  return z.toJSONSchema(TargetShape, { io: "input" }).properties;
}

function shownOutcome(result: ImportOutcome) {
  return {
    target: mutable(result.target),
    created: result.created,
    keySets: result.keySets.map((set) => ({ ...set, tars: [...set.tars] })),
    warnings: [...result.warnings],
  };
}

/** Targets. Keys are written, never read. */
export async function targetRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { targets } = deps;
  const name = z.string().min(1).max(100).optional();

  routes.get(
    "/v1/targets",
    {
      schema: {
        operationId: "listTargets",
        tags: ["targets"],
        summary: "List targets",
        description: "In the order in which they were added.",
        querystring: idPage.extend({
          tag: name.describe("Only with this tag"),
          eid: name.describe("Only with this EID"),
          iccid: name.describe("Only with this ICCID"),
          msisdn: name.describe("Only with this MSISDN, digits"),
        }),
        response: { 200: pageShape(targetShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query: { limit, cursor, ...filter } }) =>
      pageOf(await targets.list(withoutUndefined(filter), cursor, limit), limit, (last) => last.id, mutable),
  );

  routes.post(
    "/v1/targets",
    {
      schema: {
        operationId: "importTarget",
        tags: ["targets"],
        summary: "Add or replace a target",
        description:
          "From its EIS as JSON, keys included. One with the same EID (or ICCID, for a plain UICC) is replaced; it keeps its " +
          "id and its counters.",
        body: description,
        response: { 200: outcome.describe("Replaced"), 201: outcome.describe("Added"), ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ body }, reply) => {
      const result = await targets.import(body);
      return reply
        .code(result.created ? 201 : 200)
        .headers({ location: `/v1/targets/${result.target.id}`, etag: `"${result.target.version}"` })
        .send(shownOutcome(result));
    },
  );

  routes.post(
    "/v1/targets/import",
    {
      schema: {
        operationId: "importTargets",
        tags: ["targets"],
        summary: "Add or replace many targets",
        description:
          "A JSON list in `items`; or in `text` CSV (a header line, then one target a line) or SGP.02 EISs as XML, v3 or v4. " +
          "With `eum` or `ci` the manufacturer's signature and certificates must verify; an EIS in which one of them is missing is refused.",
        body: z.strictObject({
          format: z.enum(["json", "csv", "xml"]),
          text: z.string().max(8_000_000).optional().describe("CSV or XML"),
          eum: z.string().max(20_000).optional().describe("Certificate of the eUICC manufacturer, PEM (XML only)"),
          ci: z.string().max(20_000).optional().describe("Certificate of the issuer, PEM (XML only)"),
          transportKey: z
            .string()
            .regex(/^[0-9a-fA-F]{32}$/, "16 octets in hexadecimal")
            .optional()
            .describe("Key that the key values are wrapped with (XML only)"),
          items: z.array(description).max(10_000).optional(),
        }),
        response: { 200: z.object({ items: z.array(outcome) }), ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ body }) => {
      const missing = body.format === "json" ? "items" : "text";
      if (body[missing] === undefined)
        throw new GatewayError("api.usage", `${missing}: is needed with this format`, {
          detail: { field: missing, in: "body" },
        });
      for (const field of ["eum", "ci", "transportKey"] as const)
        if (body.format !== "xml" && body[field] !== undefined)
          throw new GatewayError("api.usage", `${field}: only an EIS in XML is signed, not ${body.format}`, {
            detail: { field, in: "body" },
          });
      if (body.format === "xml") {
        const { text = "", eum, ci, transportKey } = body;
        const outcomes = await deps.eis.importXml(text, withoutUndefined({ eum, ci, transportKey }));
        return { items: outcomes.map(shownOutcome) };
      }
      const shapes = body.format === "csv" ? csvTargets(body.text ?? "") : (body.items ?? []);
      const items = [];
      for (const [index, shape] of shapes.entries())
        items.push(shownOutcome(await targets.import(shape).catch((error: unknown) => refuseItem(error, index))));
      return { items };
    },
  );

  routes.get(
    "/v1/targets/:ref",
    {
      schema: {
        operationId: "getTarget",
        tags: ["targets"],
        summary: "One target with its key sets",
        description: "Its ETag goes into If-Match of a change. Keys are never shown.",
        params: referenceParams,
        response: { 200: targetDetailShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }, reply) => {
      const { target, keySets } = await targets.show(params.ref);
      return reply
        .header("etag", `"${target.version}"`)
        .send({ ...mutable(target), keySets: keySets.map((set) => ({ ...set, tars: [...set.tars] })) });
    },
  );

  routes.patch(
    "/v1/targets/:ref",
    {
      schema: {
        operationId: "changeTarget",
        tags: ["targets"],
        summary: "Change a target",
        description:
          "Only fields that are given change. With If-Match, only when nobody changed it in the meantime (412).",
        params: referenceParams,
        headers: ifMatchHeaders,
        body: z.strictObject({
          name,
          tags: z.array(z.string().min(1).max(100)).max(100).optional(),
          msisdn: z
            .string()
            .regex(/^\+?[0-9]{1,20}$/, "digits, with or without +")
            .optional(),
          reach: ReachShape.optional(),
          settings: TargetSettingsShape.optional(),
        }),
        response: { 200: targetShape, ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ params, body, headers }, reply) => {
      const changed = await targets.change(
        params.ref,
        {
          ...withoutUndefined({ name: body.name, tags: body.tags, msisdn: body.msisdn?.replace(/^\+/, "") }),
          ...(body.reach === undefined ? {} : { reach: withoutUndefined(body.reach) }),
          ...(body.settings === undefined ? {} : { settings: withoutUndefined(body.settings) }),
        },
        ifMatch(headers["if-match"]),
      );
      return reply.header("etag", `"${changed.version}"`).send(mutable(changed));
    },
  );

  routes.delete(
    "/v1/targets/:ref",
    {
      schema: {
        operationId: "removeTarget",
        tags: ["targets"],
        summary: "Remove a target and its keys",
        description: "Refused while jobs of it are open.",
        params: referenceParams,
        headers: ifMatchHeaders,
        response: { 204: z.null().describe("Removed"), ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ params, headers }, reply) => {
      await targets.remove(params.ref, ifMatch(headers["if-match"]));
      return reply.code(204).send(null);
    },
  );
}

/** Says which of many descriptions was refused; the ones before it are in. */
function refuseItem(error: unknown, index: number): never {
  if (!(error instanceof GatewayError)) throw error;
  const field = error.detail.field === undefined ? `items.${index}` : `items.${index}.${String(error.detail.field)}`;
  throw new GatewayError(error.code, `items.${index}: ${error.message}`, {
    detail: { ...error.detail, field, imported: index },
    cause: error,
  });
}

type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;

/** The same value for serialisers that want writable types. */
export function mutable<T>(value: T): Mutable<T> {
  return value as Mutable<T>;
}
