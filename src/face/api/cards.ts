import { z } from "zod";
import { ConnectivityShape } from "../../gateway/eis/connectivity-parameters.ts";
import { jobExample, jobShape } from "./jobs.ts";
import { listOf, referenceParams } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

const side = z.union([z.string(), z.number(), z.boolean()]).optional();

const domainShape = z.object({
  aid: z.string().optional(),
  state: z.string().optional(),
  lifeCycle: z.number().int().optional(),
  fallback: z.boolean().optional(),
  grantedMemory: z.number().optional(),
  remainingMemory: z.number().optional(),
});

const auditShape = z
  .object({
    target: z.string(),
    jobs: listOf(z.string()),
    domains: listOf(domainShape).describe("ISD-Ps as the card lists them"),
    resources: z
      .object({
        applications: z.number().optional(),
        freeNonVolatile: z.number().optional(),
        freeVolatile: z.number().optional(),
      })
      .optional(),
    differences: listOf(
      z.object({
        aid: z.string().optional(),
        iccid: z.string().optional(),
        what: z.enum(["profile", "state", "fallback", "freeMemory", "remainingMemory"]),
        eis: side.describe("Value in the EIS; absent: the EIS has none"),
        card: side.describe("Value on the card; absent: the card has none"),
      }),
    ).describe("Compared with the EIS before the audit"),
    fixed: z.boolean().describe("The EIS was updated from the card"),
  })
  .meta({ id: "CardAudit", description: "Audit of the card and its differences from the EIS" });

const reach = z.record(z.string(), z.unknown());

const connectivityShape = z
  .object({
    smsr: reach.describe("Address of the SM-SR: number, https"),
    profiles: listOf(z.looseObject({ aid: z.string(), iccid: z.string().optional() })),
    unreadable: listOf(z.string()).describe("Stored templates that cannot be decoded"),
  })
  .meta({ id: "Connectivity", description: "The last known connectivity parameters" });

/** The contents of the card, compared with the EIS. */
export const cardOperations = {
  audit: operation({
    route: "POST /v1/targets/:ref/audit",
    scope: "jobs",
    operationId: "auditTarget",
    example: {
      params: { ref: sample.eid },
      body: { fix: false, waitMs: 10_000 },
      answer: {
        target: sample.target,
        jobs: [sample.job],
        domains: [
          {
            aid: sample.isdP,
            state: "ENABLED",
            lifeCycle: 63,
            fallback: true,
            grantedMemory: 24_576,
            remainingMemory: 0,
          },
        ],
        resources: { applications: 1, freeNonVolatile: 491_520, freeVolatile: 14_994 },
        differences: [{ aid: sample.isdP, iccid: sample.iccid, what: "state", eis: "disabled", card: "enabled" }],
        fixed: false,
      },
    },
    tags: ["targets"],
    summary: "Compare the EIS with the card",
    description:
      "Reads the ISD-Ps and the free memory of the card and returns the card's report. If that takes longer than `waitMs`, " +
      "the error `api.timeout` contains the id of the job, which continues. With `fix` the EIS is updated from the card. If " +
      "the EIS changed during the audit, the audit is repeated; after three attempts it fails with `store.conflict` and the EIS is unchanged.",
    params: referenceParams,
    body: z
      .strictObject({
        fix: z.boolean().default(false),
        waitMs: z.number().int().min(100).max(60_000).default(5_000).describe("Maximum time to wait"),
        bearer: z.enum(["auto", "https", "envelope", "sms", "short-message"]).optional(),
        link: z.string().min(1).max(512).optional(),
      })
      .nullish(),
    answers: { 200: auditShape },
  }),

  connectivity: operation({
    route: "GET /v1/targets/:ref/connectivity",
    scope: "read",
    operationId: "getConnectivity",
    example: {
      params: { ref: sample.eid },
      answer: { smsr: { number: "+447700900000" }, profiles: [], unreadable: [] },
    },
    tags: ["targets"],
    summary: "Get the connectivity parameters of a card",
    description:
      "From the EIS and from the updates that the card executed; they cannot be read from a card. Passwords are not shown.",
    params: referenceParams,
    answers: { 200: connectivityShape },
  }),

  setConnectivity: operation({
    route: "PUT /v1/targets/:ref/connectivity",
    scope: "jobs",
    operationId: "setConnectivity",
    example: {
      params: { ref: sample.eid },
      body: { smsr: { number: "+447700900000" } },
      answer: {
        jobs: [
          {
            ...jobExample,
            work: {
              kind: "script",
              tar: "000001",
              apdus: ["80E288000F3A070CA30A81080C9144770009000000"],
              function: { name: "updateSMSRAddressingParameters", params: { sms: "+447700900000" } },
            },
          },
        ],
      },
    },
    tags: ["targets"],
    summary: "Change connectivity parameters of the card",
    description:
      "Creates the jobs that do it: UpdateSMSRAddressingParameters to the ISD-R, UpdateConnectivityParameters through the " +
      "operator's security domain. Wrong values can make the card permanently unreachable; old and new values are logged.",
    params: referenceParams,
    body: ConnectivityShape,
    answers: { 202: z.object({ jobs: listOf(jobShape) }).describe("Accepted") },
  }),
};

/** A comparison of card and EIS in an answer. */
export type CardAuditAnswer = z.output<typeof auditShape>;
