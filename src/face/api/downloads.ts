import { z } from "zod";
import { DownloadOrderShape } from "../../gateway/downloads/order.ts";
import {
  idempotencyHeaders,
  idPage,
  idParams,
  listOf,
  moment,
  octets,
  pageShape,
  targetFilter,
  waitQuery,
} from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

const stage = z.enum([
  "planned",
  "isd-p",
  "certificate",
  "keys",
  "opening",
  "authenticating",
  "loading",
  "state",
  "clean-up",
  "enabling",
  "verifying",
  "ended",
]);
const card = z.enum(["absent", "created", "disabled", "enabled", "unknown"]);

const packageShape = z.object({
  sha256: z.string().describe("SHA-256 of the package, hexadecimal"),
  octets: z.number().int(),
  blocks: z.number().int(),
  version: z.string().optional(),
  profileType: z.string().optional(),
  iccid: z.string().optional(),
  imsi: z.string().optional(),
});

const failureShape = z.object({
  kind: z.enum(["refused", "broken", "cancelled", "card", "keys", "gateway"]),
  message: z.string(),
  detail: z.record(z.string(), z.unknown()).optional(),
});

const outcomeShape = z.object({
  kind: z.enum(["installed", "failed", "cancelled", "unknown"]),
  card: card.describe("What is on the card now, as the card itself stated it"),
  text: z.string().describe("The outcome in one sentence"),
  failure: failureShape.optional(),
  enabled: z.enum(["confirmed", "rolled-back", "lapsed", "failed"]).optional(),
});

/** The download of a profile package. */
export const downloadShape = z
  .object({
    id: z.string(),
    target: z.string(),
    eid: z.string(),
    isdP: z.string().describe("AID of the ISD-P"),
    smDp: z.string().describe("Name of the SM-DP"),
    package: packageShape,
    order: z.record(z.string(), z.unknown()).describe("The order with defaults, without the package"),
    stage,
    attempt: z.number().int().describe("From 1"),
    progress: z.object({
      block: z.number().int().describe("Blocks that the card has answered"),
      blocks: z.number().int(),
      remainingMs: z.number().optional().describe("Estimate"),
    }),
    steps: listOf(
      z.object({
        stage,
        attempt: z.number().int(),
        job: z.number().int().optional().describe("Number of its job within the download"),
        startedAt: moment,
        endedAt: moment.optional(),
        result: z.string().optional(),
      }),
    ),
    response: z
      .object({ octets, text: z.string(), block: z.number().int().describe("Block that was answered with it") })
      .optional()
      .describe("The EUICCResponse of the card, deciphered and authentic"),
    outcome: outcomeShape.optional(),
    cancelled: z.boolean().optional(),
    createdAt: moment,
    endedAt: moment.optional(),
  })
  .meta({ id: "Download", description: "The download of a profile package, without its keys" });

const findingShape = z.object({
  code: z.string(),
  severity: z.enum(["obstacle", "warning"]),
  message: z.string(),
  acceptable: z.boolean().describe("Whether `accept` can list its code"),
});

const planShape = z.object({
  target: z.string(),
  eid: z.string(),
  smDp: z.string(),
  isdP: z.string(),
  package: packageShape,
  findings: listOf(findingShape),
  obstacles: listOf(findingShape).describe("The findings that stop the download"),
  steps: listOf(z.string()),
});

const examplePackage = {
  sha256: "3c3b9869fe8a0d1f49bce7f9a7e45c782e37b19501bd929ec7f466f9e60ae67c",
  octets: 622,
  blocks: 1,
  version: "2.3",
  iccid: sample.iccid,
} as const;

/** The beginning of a package. */
const examplePackageOctets = "A016800102810103830A89014401000000000001A500A600";

/** A download as the examples show it. */
const example = {
  id: sample.download,
  target: sample.target,
  eid: sample.eid,
  isdP: sample.isdP,
  smDp: "test",
  package: examplePackage,
  order: { enable: false, retries: 0 },
  stage: "isd-p",
  attempt: 1,
  progress: { block: 0, blocks: 1 },
  steps: [{ stage: "isd-p", attempt: 1, job: 1, startedAt: sample.at }],
  createdAt: sample.at,
} as const;

/** Downloads of profile packages. */
export const downloadOperations = {
  start: operation({
    route: "POST /v1/downloads",
    scope: "jobs",
    operationId: "startDownload",
    example: {
      body: { target: sample.eid, package: examplePackageOctets, enable: true },
      status: 201,
      answer: example,
    },
    tags: ["downloads"],
    summary: "Download a profile package to an eUICC",
    description:
      "The gateway acts as SM-DP and SM-SR: CreateISDP, key establishment, SCP03t over SCP81. It refuses with " +
      "`download.preflight` if it finds an obstacle that `accept` does not list. SGP.02 §3.1. An Idempotency-Key works as " +
      "for jobs.",
    headers: idempotencyHeaders,
    body: DownloadOrderShape,
    answers: {
      200: downloadShape.describe("The download of this Idempotency-Key"),
      201: downloadShape.describe("The download, which runs"),
    },
  }),

  plan: operation({
    route: "POST /v1/downloads/plan",
    scope: "read",
    operationId: "planDownload",
    example: {
      body: { target: sample.eid, package: examplePackageOctets },
      answer: {
        target: sample.target,
        eid: sample.eid,
        smDp: "test",
        isdP: sample.isdP,
        package: examplePackage,
        findings: [],
        obstacles: [],
        steps: [`create the ISD-P ${sample.isdP}`, "send the certificate of the SM-DP"],
      },
    },
    tags: ["downloads"],
    summary: "Check a download without starting it",
    description: "The preflight with all findings, and the steps. Nothing is stored or sent.",
    body: DownloadOrderShape,
    answers: { 200: planShape },
  }),

  list: operation({
    route: "GET /v1/downloads",
    scope: "read",
    operationId: "listDownloads",
    example: { query: { limit: 20 }, answer: { items: [example] } },
    tags: ["downloads"],
    summary: "List downloads",
    description: "Newest first.",
    query: idPage.extend({ target: targetFilter }),
    answers: { 200: pageShape(downloadShape) },
  }),

  get: operation({
    route: "GET /v1/downloads/:id",
    scope: "read",
    operationId: "getDownload",
    example: { params: { id: sample.download }, answer: example },
    tags: ["downloads"],
    summary: "Get a download with its progress",
    description: "Steps with times, progress by block, and the outcome. With `wait` the answer is held until its end.",
    params: idParams,
    query: waitQuery,
    answers: { 200: downloadShape },
  }),

  cancel: operation({
    route: "POST /v1/downloads/:id/cancel",
    scope: "jobs",
    operationId: "cancelDownload",
    example: { params: { id: sample.download }, answer: { ...example, cancelled: true } },
    tags: ["downloads"],
    summary: "Cancel a download",
    description:
      "A step that has been sent ends first; then the new ISD-P is deleted. Refused with `download.state` after its end.",
    params: idParams,
    answers: { 200: downloadShape },
  }),
};

/** A download in an answer. */
export type DownloadAnswer = z.output<typeof downloadShape>;
/** A plan in an answer. */
export type DownloadPlanAnswer = z.output<typeof planShape>;
