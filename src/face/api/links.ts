import { z } from "zod";
import { maxTextLength } from "../../gateway/smsc/send-text.ts";
import { facts, hexText, idParams, listOf, moment, pageShape } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** A reader, a modem or an SMSC account. */
const linkShape = z
  .object({
    id: z.string(),
    kind: z.enum(["reader", "modem", "smsc"]),
    up: z.boolean(),
    reason: z.string().optional(),
    card: z
      .object({
        atr: z.string().optional(),
        eid: z.string().optional(),
        iccid: z.string().optional(),
        imsi: z.string().optional(),
        generation: z.literal("2G").optional().describe("A 2G SIM that supports class A0 only"),
      })
      .optional(),
    target: z.string().optional(),
    lease: z.object({ client: z.string(), expiresAt: moment }).optional().describe("Client that holds the lease"),
    facts,
  })
  .meta({ id: "Link", description: "A reader, a modem or an SMSC account" });

const leaseShape = z
  .object({
    id: z.string(),
    link: z.string(),
    client: z.string(),
    idleMs: z.number().int().describe("The lease ends when the card was idle for this time"),
    openedAt: moment,
    expiresAt: moment,
  })
  .meta({ id: "Lease", description: "Exclusive use of the card behind a link" });

const leaseId = z.string().regex(/^lse_[0-9a-z]{26}$/, "must be the id of a lease");

const leaseParams = z.object({ ...idParams.shape, lease: leaseId });

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
    passed: z.boolean().describe("The configured link delivers class-2 binary messages unchanged"),
    tries: listOf(
      z.object({
        variant: codingShape,
        verdict: z
          .enum(["answered", "mangled", "silent", "refused"])
          .describe("Answered by the card, with a wrong checksum, not in time, or refused by the network"),
        note: z.string().optional(),
      }),
    ),
    works: codingShape.optional().describe("The first coding that the card answered"),
  })
  .meta({ id: "LinkTestReport", description: "Result of a link test" });

const sentPartShape = z.looseObject({
  at: z.string().describe("Progress"),
  networkReference: z.string().optional(),
});

/** A reader as the examples show it. */
const example = {
  id: sample.reader,
  kind: "reader",
  up: true,
  card: {
    atr: "3B9F96803FC7828031E073FE211F574F54412D53494D66",
    eid: sample.eid,
    iccid: sample.iccid,
    imsi: "901704554612243",
  },
  target: sample.target,
  facts: { phase: "ready" },
} as const;

/** Links: readers, modems and SMSC accounts. */
export const linkOperations = {
  test: operation({
    route: "POST /v1/links/:id/test",
    scope: "jobs",
    operationId: "testLink",
    example: {
      params: { id: "smsc:operator" },
      body: { target: sample.eid, waitMs: 30_000 },
      answer: {
        passed: true,
        tries: [{ variant: { dataCoding: 246 }, verdict: "answered" }],
        works: { dataCoding: 246 },
      },
    },
    tags: ["links"],
    summary: "Test an SMSC account with a known card",
    description:
      "Sends one harmless command per coding through this account only, each under the card's next counter, and " +
      "waits for its proof of receipt. Receipts of the SMSC are not evaluated. Takes up to `waitMs` per coding.",
    params: idParams,
    body: z.strictObject({
      target: z.string().min(1).max(512).describe("A card that is reachable through the account (any of its names)"),
      waitMs: z.number().int().min(100).max(600_000).default(30_000).describe("Waiting time of each attempt"),
      exhaustive: z.boolean().default(false).describe("Try all codings, even after one worked"),
    }),
    answers: { 200: reportShape },
  }),

  list: operation({
    route: "GET /v1/links",
    scope: "read",
    operationId: "listLinks",
    example: { query: { kind: "reader" }, answer: { items: [example] } },
    tags: ["links"],
    summary: "List links",
    description: "The current state of readers, modems and SMSC accounts, in the order of their ids.",
    query: z.strictObject({
      kind: z.enum(["reader", "modem", "smsc"]).optional().describe("Only of this kind"),
      limit: z.coerce.number().int().min(1).max(1000).default(1000).describe("Maximum number of items in a page"),
      cursor: z.string().min(1).max(512).optional().describe("`cursor` of the previous page"),
    }),
    answers: { 200: pageShape(linkShape) },
  }),

  get: operation({
    route: "GET /v1/links/:id",
    scope: "read",
    operationId: "getLink",
    example: { params: { id: sample.reader }, answer: example },
    tags: ["links"],
    summary: "Get a link",
    description: "Identified by its id or an unambiguous part of it.",
    params: idParams,
    answers: { 200: linkShape },
  }),

  openLease: operation({
    route: "POST /v1/links/:id/lease",
    scope: "cards",
    operationId: "openLease",
    example: {
      params: { id: sample.reader },
      body: { idleMs: 30_000 },
      answer: {
        id: sample.lease,
        link: sample.reader,
        client: "ci",
        idleMs: 30_000,
        openedAt: sample.at,
        expiresAt: sample.at + 30_000,
      },
    },
    tags: ["links"],
    summary: "Take a lease of a card",
    description:
      "Until the lease is released, or the card was idle for `idleMs`, only requests with the id of the lease reach the card " +
      "and its modem: APDUs, AT commands, text messages, resets and power. Jobs wait. The request waits up to ten seconds " +
      "for exchanges of other clients to end.",
    params: idParams,
    body: z.strictObject({
      idleMs: z.number().int().min(1000).max(600_000).default(30_000).describe("Idle time after which it ends"),
    }),
    answers: { 201: leaseShape },
  }),

  closeLease: operation({
    route: "DELETE /v1/links/:id/lease/:lease",
    scope: "cards",
    operationId: "closeLease",
    example: { params: { id: sample.reader, lease: sample.lease } },
    tags: ["links"],
    summary: "Release a lease",
    description: "A running exchange is completed first.",
    params: leaseParams,
    answers: { 204: z.null().describe("The lease has ended") },
  }),

  exchange: operation({
    route: "POST /v1/links/:id/apdu",
    scope: "cards",
    operationId: "exchangeApdus",
    example: {
      params: { id: sample.reader },
      body: { apdus: ["00A40004023F00"], stopAtError: true },
      answer: { responses: [{ apdu: "00A40004023F00", data: "", sw: "9000" }] },
    },
    tags: ["links"],
    summary: "Exchange APDUs with the card",
    description:
      "The APDUs of one request are exchanged without interruption. For several requests, take a lease and give its id " +
      "here: each request restarts the idle time of the lease.",
    params: idParams,
    body: z.strictObject({
      apdus: z.array(hexText.min(8).max(1040)).min(1).max(256).describe("C-APDUs in hexadecimal"),
      stopAtError: z.boolean().default(false).describe("Stop at the first status word other than 90xx and 91xx"),
      lease: leaseId.optional().describe("Lease of the card"),
    }),
    answers: {
      200: z.object({ responses: listOf(z.object({ apdu: z.string(), data: z.string(), sw: z.string() })) }),
    },
  }),

  reset: operation({
    route: "POST /v1/links/:id/reset",
    scope: "cards",
    operationId: "resetLink",
    example: { params: { id: sample.reader }, body: { kind: "warm" }, answer: example },
    tags: ["links"],
    summary: "Reset the card or modem behind the link",
    description: "To reset a leased card, name the lease; the reset ends it.",
    params: idParams,
    body: z.strictObject({ kind: z.enum(["warm", "cold"]).default("cold"), lease: leaseId.optional() }).nullish(),
    answers: { 200: linkShape },
  }),

  powerCycle: operation({
    route: "POST /v1/links/:id/power",
    scope: "cards",
    tags: ["links"],
    operationId: "powerCycleLink",
    example: {
      params: { id: sample.modem },
      body: {},
      answer: {
        id: sample.modem,
        kind: "modem",
        up: false,
        reason: "starting: waiting for an answer",
        facts: { registered: false },
      },
    },
    summary: "Cycle the power of a modem",
    params: idParams,
    description:
      "Uses the power control of the hardware profile or the configuration. For a leased link, name " +
      "the lease, which ends with it.",
    body: z.strictObject({ lease: leaseId.optional() }).nullish(),
    answers: { 200: linkShape },
  }),

  sendAt: operation({
    route: "POST /v1/links/:id/at",
    scope: "cards",
    tags: ["links"],
    operationId: "sendAtCommand",
    example: { params: { id: sample.modem }, body: { line: "AT+CSQ" }, answer: { lines: ["+CSQ: 23,99", "OK"] } },
    summary: "Send one AT command",
    params: idParams,
    body: z.strictObject({
      line: z
        .string()
        .regex(/^[aA][tT][\x20-\x7e]*$/, "must be one line that begins with AT")
        .max(1000),
      lease: leaseId.optional().describe("Lease of the card in the modem"),
    }),
    description: "Returns the lines of the modem, with the final result last.",
    answers: { 200: z.object({ lines: listOf(z.string()) }) },
  }),

  sendText: operation({
    route: "POST /v1/links/:id/sms",
    scope: "cards",
    tags: ["links"],
    operationId: "sendTextMessage",
    example: {
      params: { id: sample.modem },
      body: { to: "+447700900123", text: "hello" },
      answer: { parts: [{ at: "accepted", networkReference: "0" }] },
    },
    summary: "Send a plain text message",
    params: idParams,
    body: z.strictObject({
      to: z.string().regex(/^\+?[0-9]{1,20}$/, "must be 1 to 20 digits, with or without +"),
      text: z.string().min(1).max(maxTextLength),
      lease: leaseId.optional().describe("Lease of the card in the modem"),
    }),
    description:
      "In the GSM alphabet if it has all characters, otherwise in UCS2; in several messages if one is not enough. " +
      "Returns the network's result for each message.",
    answers: { 200: z.object({ parts: listOf(sentPartShape) }) },
  }),
};

/** A link in an answer. */
export type LinkAnswer = z.output<typeof linkShape>;

/** The result of a link's self-test, in an answer. */
export type LinkTestAnswer = z.output<typeof reportShape>;
