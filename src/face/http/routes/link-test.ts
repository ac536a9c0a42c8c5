import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { ApiDeps } from "../api-deps.ts";
import { idParams, problems } from "../shapes.ts";

const codingShape = z.object({
  dataCoding: z.number().int().min(0).max(255).optional().describe("SMPP data_coding"),
  destAddrSubunit: z
    .number()
    .int()
    .min(0)
    .max(3)
    .optional()
    .describe("SMPP parameter dest_addr_subunit, 3 = smart card"),
});

const reportShape = z
  .object({
    passed: z.boolean().describe("The link as it is configured brings class-2 binary to the card unchanged"),
    tries: z.array(
      z.object({
        variant: codingShape,
        verdict: z
          .enum(["answered", "mangled", "silent", "refused"])
          .describe("By the card; with other octets than were sent; not in time; by the network"),
        note: z.string().optional(),
      }),
    ),
    works: codingShape.optional().describe("The first coding that the card answered"),
  })
  .meta({ id: "LinkTestReport", description: "What a link's self-test found" });

/** The self-test of links that bring messages to cards. */
export async function linkTestRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.post(
    "/v1/links/:id/test",
    {
      schema: {
        operationId: "testLink",
        tags: ["links"],
        summary: "Prove with a known card that an SMSC account reaches cards",
        description:
          "Sends one harmless command per coding through this account only, each under the card's next counter, and " +
          "waits for its proof of receipt. Receipts prove nothing here. Takes up to `waitMs` per coding.",
        params: idParams,
        body: z.strictObject({
          target: z.string().min(1).max(512).describe("A card that the account reaches, by any of its names"),
          waitMs: z.number().int().min(100).max(600_000).default(30_000).describe("How long each try waits"),
          exhaustive: z.boolean().default(false).describe("Try all codings, also after one worked"),
        }),
        response: { 200: reportShape, ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params, body, principal }, reply) => {
      const link = deps.gateway.links.get(params.id);
      if (link.test === undefined) throw new GatewayError("link.unavailable", `${link.id} has no self-test`);
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const client = principal?.client;
      const origin = { face: "api" as const, ...(client === undefined ? {} : { client }) };
      const { passed, tries, works } = await link.test({ ...body, origin }, gone.signal);
      return { passed, tries: tries.map((one) => ({ ...one })), ...(works === undefined ? {} : { works }) };
    },
  );
}
