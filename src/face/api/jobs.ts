import { z } from "zod";
import { JobOrder } from "../../gateway/jobs/job-order.ts";
import { errorCodeShape } from "./kit/error.ts";
import {
  facts,
  idempotencyHeaders,
  listOf,
  moment,
  octets,
  pageShape,
  seqPage,
  targetFilter,
  waitQuery,
} from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";
import { switchExample, switchShape } from "./switches.ts";

const commandResultShape = z.object({
  data: octets.describe("Response data in hexadecimal"),
  sw: z.string().describe("Status word, four hexadecimal digits"),
});

const jobResultShape = z
  .object({
    por: z
      .object({ status: z.number().int(), name: z.string(), authenticated: z.boolean() })
      .optional()
      .describe("Proof of receipt (TS 102 225 §5.2); status 0 is ok"),
    data: octets.optional().describe("The unchanged response"),
    commands: listOf(commandResultShape).describe("R-APDUs, in the order of the commands"),
    executed: z.number().int().optional().describe("Executed commands as counted by the card"),
    answer: z.unknown().optional(),
    scriptStatus: z.string().optional().describe("X-Admin-Script-Status of an SCP81 session"),
    note: z.string().optional().describe("What the card did not report"),
  })
  .meta({ id: "JobResult", description: "The response of the card" });

/** Whether the card carried the work of a failed job out. */
export const executedShape = z
  .union([z.boolean(), z.enum(["partly", "unknown"])])
  .describe(
    "Whether the card executed it: true = all of it, false = none of it, partly = the first `executedCommands` " +
      "commands, unknown = it may have reached the card, without proof of what was executed",
  );

const failureFacts = z.looseObject({
  executed: executedShape,
  executedCommands: z.number().int().optional().describe("Number of executed commands, from the first; with `partly`"),
  command: z.number().int().optional().describe("The command that failed, counted from 1"),
  function: z.string().optional().describe("Name of that command, if available"),
  sw: z.string().optional().describe("Its status word, four hexadecimal digits"),
  meaning: z.string().optional().describe("Meaning of the status word"),
});

/** Why a job, or a target of a campaign, failed. */
export const failureShape = z
  .object({ code: errorCodeShape, message: z.string(), detail: failureFacts })
  .meta({ id: "JobFailure", description: "Cause of the failure" });

const workShape = z.object({
  kind: z.enum(["script", "body", "packet"]),
  tar: z.string().optional(),
  aid: z.string().optional(),
  apdus: listOf(octets).optional(),
  format: z.enum(["expanded-definite", "expanded-indefinite", "compact"]).optional(),
  body: octets.optional(),
  function: z
    .object({ name: z.string(), params: facts })
    .optional()
    .describe("The ES5 function that the commands came from"),
  userData: listOf(octets).optional(),
  userDataHeader: z.boolean().optional(),
  protocolId: z.number().int().optional(),
  dataCoding: z.number().int().optional(),
  smppText: z.boolean().optional(),
  from: z.string().optional(),
  receipt: z.boolean().optional(),
  hidden: z.literal(true).optional().describe("Keys, PINs or passwords were replaced by zeros"),
});

const requestShape = z.object({
  bearer: z.enum(["auto", "https", "envelope", "sms", "short-message"]),
  link: z.string().optional(),
  spi: z.string().optional(),
  kvn: z.number().int().optional(),
  maxPackets: z.number().int(),
  answerTimeoutMs: z.number().optional(),
  budgetMs: z.number().optional(),
  fireAndForget: z.boolean().optional(),
  onAnswerLost: z.enum(["fail", "repeat"]).optional(),
  secureChannel: z.string().optional(),
  moreToCome: z.boolean().optional(),
  oneByOne: z.boolean().optional(),
  tolerate: listOf(z.string()).optional(),
  keepEis: z.boolean().optional(),
  switchTimeoutMs: z.number().optional(),
  smsCoding: z
    .object({ dataCoding: z.number().int().optional(), destAddrSubunit: z.number().int().optional() })
    .optional(),
});

const jobFields = z.object({
  id: z.string(),
  seq: z.number().int().describe("Order of acceptance"),
  target: z.string().describe("Id of the target"),
  state: z
    .enum(["queued", "running", "waiting", "done", "failed", "expired", "cancelled"])
    .describe("The last four are end states"),
  lane: z.enum(["system", "normal"]),
  work: workShape.describe(
    "Kind and octets, as ordered; for an ES5 function, its commands. Keys, PINs, profile packages in clear and logins in them are replaced by zeros; `hidden` indicates this",
  ),
  request: requestShape.describe("How the job is executed"),
  origin: z.object({ face: z.string(), client: z.string().optional(), reference: z.string().optional() }),
  chosen: z
    .object({ bearer: z.enum(["https", "envelope", "sms"]), link: z.string(), why: z.string() })
    .optional()
    .describe("Bearer and link, with the reason for the choice"),
  attempts: z.number().int().describe("Attempts so far; reset when nothing was sent and the job moves to a session"),
  notBefore: moment,
  validUntil: moment,
  result: jobResultShape.optional(),
  error: failureShape.optional(),
  note: z.string().optional().describe("Last temporary error, as text; absent once the job has ended"),
  warnings: listOf(z.string()).optional().describe("Conflicts with the EIS at acceptance"),
  createdAt: moment,
  startedAt: moment.optional(),
  endedAt: moment.optional(),
});

/** A job without packets and profile switch. */
export const jobShape = jobFields.meta({ id: "Job", description: "A script for one security domain" });

/** A job in an answer. */
export type JobAnswer = z.output<typeof jobShape>;

/** The states of a job. */
const jobState = jobFields.shape.state;

const packetShape = z
  .object({
    id: z.string(),
    tar: z.string().optional(),
    cntr: z.number().optional().describe("Counter; never used for another packet"),
    spi: z.string().optional(),
    kic: z.string().optional().describe("KIc octet: which key, not the key"),
    kid: z.string().optional().describe("KID octet: which key, not the key"),
    userData: listOf(octets).describe("TP-UD of each short message, as sent"),
    state: z.string(),
    link: z.string().optional(),
    transmissions: z.number().int(),
    response: listOf(octets).optional().describe("TP-UD of each short message of the answer, as received"),
    createdAt: moment,
    sentAt: moment.optional(),
    answeredAt: moment.optional(),
  })
  .meta({ id: "Packet", description: "A TS 102 225 command packet and its response" });

const decodedShape = z.object({
  function: z.string(),
  sw: z.string().describe("Status word, four hexadecimal digits"),
  meaning: z.string(),
  succeeded: z.boolean(),
  answer: z.unknown().optional().describe("Decoded answer of the card"),
});

/** A job with its packets and profile switch. */
const jobDetailShape = z
  .object({
    ...jobFields.shape,
    packets: listOf(packetShape),
    decoded: listOf(decodedShape).describe("Answered commands with name and decoded response"),
    switch: switchShape
      .optional()
      .describe("The profile switch it started: accepted, switched, confirmed, rolled-back"),
    procedure: switchShape.optional().meta({ deprecated: true, description: "Former name of `switch`" }),
  })
  .meta({ id: "JobDetail", description: "A job with its packets and the decoded answer of the card" });

const idParams = z.object({ id: z.string().min(1).max(100).describe("Id of the job") });

/** A comma-separated list of states. */
const stateList = z
  .string()
  .max(200)
  .transform((text, context) => {
    const states: z.infer<typeof jobState>[] = [];
    for (const one of new Set(text.split(","))) {
      const parsed = jobState.safeParse(one);
      if (parsed.success) states.push(parsed.data);
      else context.addIssue({ code: "custom", message: `must be a list of ${jobState.options.join(", ")}` });
    }
    return states;
  })
  .optional()
  .describe("Only in these states, separated by commas");

/** A job as the examples show it, just accepted. */
export const jobExample = {
  id: sample.job,
  seq: 7,
  target: sample.target,
  state: "queued",
  lane: "normal",
  work: {
    kind: "script",
    tar: "000001",
    apdus: ["80E28800153A03124F10A0000005591010FFFFFFFF890000130000"],
    function: { name: "enableProfile", params: { iccid: sample.iccid, aid: sample.isdP } },
  },
  request: { bearer: "auto", maxPackets: 4 },
  origin: { face: "api", client: "ci", reference: "order 7" },
  attempts: 0,
  notBefore: sample.at,
  validUntil: sample.at + 3_600_000,
  createdAt: sample.at,
} as const;

/** The same job, done. */
const doneExample = {
  ...jobExample,
  state: "done",
  chosen: { bearer: "envelope", link: sample.reader, why: `the card is in reader ${sample.reader}` },
  attempts: 1,
  result: {
    por: { status: 0, name: "PoR OK", authenticated: true },
    data: "AB0780010123029000",
    commands: [{ data: "", sw: "9000" }],
    executed: 1,
  },
  startedAt: sample.at + 16,
  endedAt: sample.at + 34,
} as const;

/** Jobs: scripts on their way to cards. */
export const jobOperations = {
  submit: operation({
    route: "POST /v1/jobs",
    scope: "jobs",
    operationId: "createJob",
    example: {
      headers: { "idempotency-key": "order-7" },
      body: {
        target: sample.eid,
        work: { kind: "es5", function: "enableProfile", params: { iccid: sample.iccid } },
        reference: "order 7",
        validityMs: 3_600_000,
      },
      status: 202,
      answer: jobExample,
    },
    tags: ["jobs"],
    summary: "Create a job",
    description:
      "The job is durable when the answer is sent. The jobs of a target run in the order of acceptance. If the same client " +
      "used the Idempotency-Key before, the answer is the job created then (200), and no job is created; a different " +
      "request with the same key is refused (422). For a download in several scripts, create the jobs in sequence with " +
      "`request.moreToCome`, and the last one without it.",
    headers: idempotencyHeaders,
    body: JobOrder,
    answers: {
      200: jobShape.describe("The job of this Idempotency-Key"),
      202: jobShape.describe("The job, accepted"),
    },
  }),

  list: operation({
    route: "GET /v1/jobs",
    scope: "read",
    operationId: "listJobs",
    example: { query: { target: sample.eid, state: "done,failed", limit: 20 }, answer: { items: [doneExample] } },
    tags: ["jobs"],
    summary: "List jobs",
    description: "Newest first.",
    query: seqPage.extend({ target: targetFilter, state: stateList }),
    answers: { 200: pageShape(jobShape) },
  }),

  get: operation({
    route: "GET /v1/jobs/:id",
    scope: "read",
    operationId: "getJob",
    example: {
      params: { id: sample.job },
      query: { wait: 10_000 },
      answer: {
        ...doneExample,
        packets: [
          {
            id: sample.packet,
            tar: "000001",
            cntr: 2,
            spi: "1639",
            kic: "12",
            kid: "12",
            userData: [
              "02700000381516391212000001C0C28DEFD5E8E9FCB240AE287CF0F68D97FB88C307AC88CAD2C90799A175206AA6FCB3D04F722C9D78E8921C72B95142",
            ],
            state: "answered",
            link: sample.reader,
            transmissions: 1,
            response: ["027100002412000001DF3C170D8E1259E17979FA87A819A86D3EA32ADDDE0E98BE9386B4303DE85E98"],
            createdAt: sample.at + 16,
            answeredAt: sample.at + 34,
          },
        ],
        decoded: [
          {
            function: "enableProfile",
            sw: "9000",
            meaning: "accepted: the card switches after its answer is out",
            succeeded: true,
          },
        ],
        switch: switchExample,
      },
    },
    tags: ["jobs"],
    summary: "Get a job with its result",
    description: "With `wait` the request waits until the job has ended or the time is over.",
    params: idParams,
    query: waitQuery,
    answers: { 200: jobDetailShape },
  }),

  cancel: operation({
    route: "POST /v1/jobs/:id/cancel",
    scope: "jobs",
    operationId: "cancelJob",
    example: {
      params: { id: sample.job },
      body: {},
      answer: {
        ...jobExample,
        state: "cancelled",
        error: { code: "job.cancelled", message: "cancelled by the client", detail: { executed: false } },
        endedAt: sample.at + 900,
      },
    },
    tags: ["jobs"],
    summary: "Cancel a job that has not ended",
    description: "`error.detail.executed` of the answer reports whether the card may have executed it.",
    params: idParams,
    body: z.strictObject({}).nullish(),
    answers: { 200: jobShape },
  }),
};

/** A job with its packets and profile switch, in an answer. */
export type JobDetail = z.output<typeof jobDetailShape>;
