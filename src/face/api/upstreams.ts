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
    event: facts.describe("The CloudEvent that was not taken"),
  })
  .meta({ id: "DeadLetter", description: "An event that an upstream did not take" });

export const upstreamShape = z
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
  .meta({ id: "Upstream", description: "An SM-SR above this gateway, and how it does" });

const nameParams = z.object({ name: z.string().min(1).max(100).describe("Name of the upstream") });

const which = z
  .strictObject({ id: z.string().min(1).max(100).optional().describe("Only this one; all when absent") })
  .nullish();

const count = z.object({ count: z.number().int().describe("Dead letters that it was done to") });

/** The SM-SRs above. */
export const upstreamOperations = {
  list: operation({
    route: "GET /v1/upstreams",
    scope: "read",
    operationId: "listUpstreams",
    tags: ["upstreams"],
    summary: "Upstreams and how they do",
    description: "The SM-SRs of the configuration: what waits for them, what was given up, the last trouble.",
    answers: { 200: z.object({ items: listOf(upstreamShape) }) },
  }),

  deadLetters: operation({
    route: "GET /v1/upstreams/:name/dead",
    scope: "read",
    operationId: "listDeadLetters",
    tags: ["upstreams"],
    summary: "Events that an upstream did not take",
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
    description: "All of them, or the one that is named: same id, same octets, before what is queued behind them.",
    params: nameParams,
    body: which,
    answers: { 200: count },
  }),

  discard: operation({
    route: "POST /v1/upstreams/:name/dead/discard",
    scope: "admin",
    operationId: "discardDeadLetters",
    tags: ["upstreams"],
    summary: "Drop dead letters",
    description: "All of them, or the one that is named.",
    params: nameParams,
    body: which,
    answers: { 200: count },
  }),
};

/** An upstream in an answer. */
export type UpstreamAnswer = z.output<typeof upstreamShape>;

/** A dead letter in an answer. */
export type DeadLetterAnswer = z.output<typeof deadLetterShape>;
