import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { KeySetInfo } from "../../../gateway/key-set.ts";
import { csvTargets, ReachShape, TargetSettingsShape, withoutUndefined } from "../../../gateway/target-import.ts";
import type { ApiDeps } from "../server.ts";
import { keySetShape, pageQuery, problems, referenceParams, targetShape } from "../shapes.ts";

const withKeys = targetShape.extend({ keySets: z.array(keySetShape) });
const outcome = z.object({
  target: targetShape,
  created: z.boolean(),
  keySets: z.array(keySetShape),
  warnings: z.array(z.string()),
});

const shownKeySet = (set: KeySetInfo) => ({ ...set, tars: [...set.tars] });

function ifMatch(header: string | undefined): number | undefined {
  if (header === undefined || header === "*") return undefined;
  const version = /^"(\d+)"$/.exec(header)?.[1];
  if (version === undefined)
    throw new GatewayError("api.usage", 'If-Match: an ETag like "3"', { detail: { field: "If-Match" } });
  return Number(version);
}

/** Targets and their key sets. Keys are written, never read. */
export async function targetRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { targets } = deps;

  routes.get(
    "/v1/targets",
    {
      schema: {
        tags: ["targets"],
        summary: "List targets",
        querystring: pageQuery.extend({
          tag: z.string().optional(),
          eid: z.string().optional(),
          iccid: z.string().optional(),
          msisdn: z.string().optional(),
        }),
        response: { 200: z.object({ items: z.array(targetShape), cursor: z.string().optional() }), ...problems },
      },
    },
    async ({ query: { limit, cursor, ...filter } }) => {
      const found = await targets.list(withoutUndefined(filter), cursor, limit);
      const last = found.length === limit ? found.at(-1)?.id : undefined;
      return { items: found.map(mutable), ...(last === undefined ? {} : { cursor: last }) };
    },
  );

  routes.post(
    "/v1/targets",
    {
      schema: {
        tags: ["targets"],
        summary: "Add or replace a target from its EIS as JSON, keys included",
        body: z.record(z.string(), z.unknown()),
        response: { 200: outcome, 201: outcome, ...problems },
      },
    },
    async ({ body }, reply) => {
      const result = await targets.import(body);
      return reply.code(result.created ? 201 : 200).send({
        ...result,
        target: mutable(result.target),
        keySets: result.keySets.map(shownKeySet),
        warnings: [...result.warnings],
      });
    },
  );

  routes.post(
    "/v1/targets/import",
    {
      schema: {
        tags: ["targets"],
        summary: "Add or replace many targets: a JSON list, or CSV text",
        body: z.object({
          format: z.enum(["json", "csv"]),
          text: z.string().optional(),
          items: z.array(z.record(z.string(), z.unknown())).optional(),
        }),
        response: { 200: z.object({ items: z.array(outcome) }), ...problems },
      },
    },
    async ({ body }) => {
      const shapes = body.format === "csv" ? csvTargets(body.text ?? "") : (body.items ?? []);
      const items = [];
      for (const shape of shapes) {
        const result = await targets.import(shape);
        items.push({
          ...result,
          target: mutable(result.target),
          keySets: result.keySets.map(shownKeySet),
          warnings: [...result.warnings],
        });
      }
      return { items };
    },
  );

  routes.get(
    "/v1/targets/:ref",
    {
      schema: {
        tags: ["targets"],
        summary: "One target by id, EID, ICCID, IMSI, MSISDN or name",
        params: referenceParams,
        response: { 200: withKeys, ...problems },
      },
    },
    async ({ params }, reply) => {
      const { target, keySets } = await targets.show(params.ref);
      return reply
        .header("etag", `"${target.version}"`)
        .send({ ...mutable(target), keySets: keySets.map(shownKeySet) });
    },
  );

  routes.patch(
    "/v1/targets/:ref",
    {
      schema: {
        tags: ["targets"],
        summary: "Change name, tags, MSISDN, reach or settings",
        params: referenceParams,
        body: z.strictObject({
          name: z.string().min(1).max(100).optional(),
          tags: z.array(z.string()).optional(),
          msisdn: z.string().optional(),
          reach: ReachShape.optional(),
          settings: TargetSettingsShape.optional(),
        }),
        response: { 200: targetShape, ...problems },
      },
    },
    async ({ params, body, headers }, reply) => {
      const changed = await targets.change(
        params.ref,
        {
          ...withoutUndefined({ name: body.name, tags: body.tags, msisdn: body.msisdn }),
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
        tags: ["targets"],
        summary: "Remove a target and its keys",
        params: referenceParams,
        response: { 204: z.null(), ...problems },
      },
    },
    async ({ params }, reply) => {
      await targets.remove(params.ref);
      return reply.code(204).send(null);
    },
  );
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
