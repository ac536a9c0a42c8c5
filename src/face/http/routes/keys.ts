import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { strict } from "../../../base/strict.ts";
import { KeySetShape } from "../../../gateway/targets/target-shape.ts";
import type { ApiDeps } from "../api-deps.ts";
import { ifMatch, ifMatchHeaders } from "../if-match.ts";
import { keySetShape, problems, referenceParams } from "../shapes.ts";

const keySets = z.object({ keySets: z.array(keySetShape) });

/** Key sets of a target: their values go in and never come out. */
export async function keyRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { targets } = deps;

  routes.get(
    "/v1/targets/:ref/keys",
    {
      schema: {
        operationId: "listKeySets",
        tags: ["targets"],
        summary: "Key sets of a target, without their keys",
        description: "What there is to use and how far the counters are.",
        params: referenceParams,
        response: { 200: keySets, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }, reply) => {
      const { target, keySets: found } = await targets.show(params.ref);
      return reply
        .header("etag", `"${target.version}"`)
        .send({ keySets: found.map((set) => ({ ...set, tars: [...set.tars] })) });
    },
  );

  routes.put(
    "/v1/targets/:ref/keys",
    {
      schema: {
        operationId: "putKeySets",
        tags: ["targets"],
        summary: "Write key sets of a target",
        description:
          "Sets with the same type, KVN and TARs are replaced, others added, none removed. A counter never goes down. " +
          "The keys are sealed at once and cannot be read back.",
        params: referenceParams,
        headers: ifMatchHeaders,
        body: strict({ keySets: z.array(KeySetShape).min(1).max(127) }),
        response: { 200: keySets, ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ params, body, headers }, reply) => {
      const { target, keySets: now } = await targets.putKeys(params.ref, body.keySets, ifMatch(headers["if-match"]));
      return reply
        .header("etag", `"${target.version}"`)
        .send({ keySets: now.map((set) => ({ ...set, tars: [...set.tars] })) });
    },
  );

  routes.delete(
    "/v1/targets/:ref/keys/:keySet",
    {
      schema: {
        operationId: "removeKeySet",
        tags: ["targets"],
        summary: "Remove a key set",
        description: "Its counter is lost with it: written again, the set begins where the description says.",
        params: z.object({
          ...referenceParams.shape,
          keySet: z.string().min(1).max(100).describe("Id of the key set"),
        }),
        headers: ifMatchHeaders,
        response: { 204: z.null().describe("Removed"), ...problems },
      },
      config: { scope: "targets" },
    },
    async ({ params, headers }, reply) => {
      await targets.removeKeys(params.ref, params.keySet, ifMatch(headers["if-match"]));
      return reply.code(204).send(null);
    },
  );
}
