import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { withoutUndefined } from "../../../base/defined.ts";
import type { ApiDeps } from "../api-deps.ts";
import { problems, referenceParams } from "../shapes.ts";
import { mutable } from "./targets.ts";

const trustShape = z
  .object({
    eum: z
      .object({
        subject: z.string(),
        issuer: z.string(),
        validTo: z.string(),
        serialNumber: z.string(),
        fromSignature: z.boolean().describe("It came with the signature, not from outside"),
      })
      .optional(),
    ecasd: z
      .object({
        serialNumber: z.string(),
        caId: z.string(),
        subjectId: z.string(),
        keyUsage: z.string(),
        expirationDate: z.string().optional(),
        curve: z.string(),
        publicKey: z.string(),
      })
      .optional()
      .describe("The GlobalPlatform certificate of the ECASD (7F21)"),
    checks: z.array(
      z.object({
        what: z.enum(["eum-by-ci", "ecasd-by-eum", "eis-by-eum"]),
        result: z.enum(["good", "bad", "unchecked"]),
        why: z.string().optional(),
      }),
    ),
  })
  .meta({ id: "EisTrust", description: "Certificates of an eUICC and how far they hold: CI, EUM, ECASD, EIS" });

const pem = z.string().min(1).max(20_000).optional();

/** The EIS as a document, and who stands behind it. */
export async function eisRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    "/v1/targets/:ref/export",
    {
      schema: {
        operationId: "exportTarget",
        tags: ["targets"],
        summary: "The EIS of a target as a document",
        description:
          "SGP.02 XML, or the JSON that an import takes. Key values are never in it. What the manufacturer signed stays as it " +
          "was imported, so that its signature verifies.",
        params: referenceParams,
        querystring: z.strictObject({ format: z.enum(["xml", "json"]).default("xml").describe("How it is written") }),
        response: { 200: z.unknown().describe("The document"), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params, query }, reply) => {
      const text = await deps.eis.export(params.ref, query.format);
      return reply
        .type(query.format === "xml" ? "application/xml; charset=utf-8" : "application/json")
        .serializer(String)
        .send(text);
    },
  );

  routes.post(
    "/v1/targets/:ref/certificates",
    {
      schema: {
        operationId: "checkCertificates",
        tags: ["targets"],
        summary: "Certificates of the eUICC and whether they hold",
        description:
          "CI to EUM (X.509), EUM to ECASD (GlobalPlatform), and the EUM's signature over the EIS, as far as the certificates " +
          "for it are given or came with the EIS.",
        params: referenceParams,
        body: z
          .strictObject({ ci: pem.describe("CI certificate, PEM"), eum: pem.describe("EUM certificate, PEM") })
          .nullish(),
        response: { 200: trustShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params, body }) => mutable(await deps.eis.certificates(params.ref, withoutUndefined(body ?? {}))),
  );
}
