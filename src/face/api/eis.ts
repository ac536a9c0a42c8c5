import { z } from "zod";
import { listOf, referenceParams } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

const trustShape = z
  .object({
    eum: z
      .object({
        subject: z.string(),
        issuer: z.string(),
        validTo: z.string(),
        serialNumber: z.string(),
        fromSignature: z.boolean().describe("It was taken from the signature"),
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
    checks: listOf(
      z.object({
        what: z.enum(["eum-by-ci", "ecasd-by-eum", "eis-by-eum"]),
        result: z.enum(["good", "bad", "unchecked"]),
        why: z.string().optional(),
      }),
    ),
  })
  .meta({ id: "EisTrust", description: "Certificates of an eUICC and their verification: CI, EUM, ECASD, EIS" });

const pem = z.string().min(1).max(20_000).optional();

/** The EIS as a document. */
export const eisOperations = {
  export: operation({
    route: "GET /v1/targets/:ref/export text",
    scope: "read",
    operationId: "exportTarget",
    example: {
      params: { ref: sample.eid },
      query: { format: "json" },
      answer: {
        eid: sample.eid,
        kind: "euicc",
        tags: [],
        settings: {},
        reach: {},
        profiles: [{ aid: sample.isdP, iccid: sample.iccid, state: "enabled", fallback: true }],
        withheldKeySets: [{ type: "SCP80", kvn: 1, cntr: 3, tars: [] }],
      },
    },
    tags: ["targets"],
    summary: "Export the EIS of a target",
    description:
      "SGP.02 XML, or the JSON that an import accepts, without key values. The part that the manufacturer signed is " +
      "unchanged, so that its signature verifies.",
    params: referenceParams,
    query: z.strictObject({ format: z.enum(["xml", "json"]).default("xml").describe("How it is written") }),
    answers: { 200: z.unknown().describe("The document") },
  }),

  certificates: operation({
    route: "POST /v1/targets/:ref/certificates",
    scope: "read",
    operationId: "checkCertificates",
    example: {
      params: { ref: sample.eid },
      body: {},
      answer: { checks: [{ what: "eum-by-ci", result: "unchecked", why: "no EUM certificate" }] },
    },
    tags: ["targets"],
    summary: "Verify the certificates of an eUICC",
    description:
      "CI to EUM (X.509), EUM to ECASD (GlobalPlatform), and the EUM's signature over the EIS, as far as the certificates " +
      "for it are given or came with the EIS.",
    params: referenceParams,
    body: z
      .strictObject({ ci: pem.describe("CI certificate, PEM"), eum: pem.describe("EUM certificate, PEM") })
      .nullish(),
    answers: { 200: trustShape },
  }),
};

/** Certificates with the results of their checks, in an answer. */
export type EisTrustAnswer = z.output<typeof trustShape>;
