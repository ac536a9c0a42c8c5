import { z } from "zod";
import { facts, listOf, moment, pageShape, seqPage } from "./fields.ts";
import { operation } from "./operation.ts";

/** An event that an upstream did not take. */
export const deadLetterShape = z
  .object({
    id: z.string(),
    seq: z.number().int(),
    type: z.string(),
    target: z.string().optional(),
    attempts: z.number().int(),
    error: z.string().optional(),
    createdAt: moment,
    deadAt: moment.optional(),
    event: facts.describe("The CloudEvent that was not accepted"),
  })
  .meta({ id: "DeadLetter", description: "An event that an upstream refused" });

const upstreamShape = z
  .object({
    name: z.string(),
    webhook: z.boolean(),
    pull: z.boolean(),
    proxy: z.boolean(),
    keyLookup: z.boolean(),
    queued: z.number().int(),
    dead: z.number().int(),
    delivered: z.number().int(),
    failures: z.number().int(),
    lastError: z.string().optional(),
    lastSuccessAt: moment.optional(),
  })
  .meta({ id: "Upstream", description: "An upstream SM-SR with its delivery status" });

const nameParams = z.object({ name: z.string().min(1).max(100).describe("Name of the upstream") });

const which = z
  .strictObject({ id: z.string().min(1).max(100).optional().describe("Only this one; absent: all") })
  .nullish();

const count = z.object({ count: z.number().int().describe("Number of dead letters") });

/** The SM-SRs above. */
export const upstreamOperations = {
  list: operation({
    route: "GET /v1/upstreams",
    scope: "read",
    operationId: "listUpstreams",
    tags: ["upstreams"],
    summary: "List upstreams with delivery status",
    description: "The configured SM-SRs with waiting events, dead letters and the last error.",
    answers: { 200: z.object({ items: listOf(upstreamShape) }) },
  }),

  deadLetters: operation({
    route: "GET /v1/upstreams/:name/dead",
    scope: "read",
    operationId: "listDeadLetters",
    tags: ["upstreams"],
    summary: "List the dead letters of an upstream",
    description: "Oldest first. They are kept until they are replayed or discarded.",
    params: nameParams,
    query: seqPage,
    answers: { 200: pageShape(deadLetterShape) },
  }),

  replay: operation({
    route: "POST /v1/upstreams/:name/dead/replay",
    scope: "admin",
    operationId: "replayDeadLetters",
    tags: ["upstreams"],
    summary: "Send dead letters again",
    description: "All dead letters or one of them, with the same id and body, before events that wait behind them.",
    params: nameParams,
    body: which,
    answers: { 200: count },
  }),

  discard: operation({
    route: "POST /v1/upstreams/:name/dead/discard",
    scope: "admin",
    operationId: "discardDeadLetters",
    tags: ["upstreams"],
    summary: "Discard dead letters",
    description: "All dead letters or one of them.",
    params: nameParams,
    body: which,
    answers: { 200: count },
  }),
};

/** An upstream in an answer. */
export type UpstreamAnswer = z.output<typeof upstreamShape>;

/** A dead letter in an answer. */
export type DeadLetterAnswer = z.output<typeof deadLetterShape>;
