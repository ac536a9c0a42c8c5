import { z } from "zod";
import { facts, listOf, moment, pageShape, seqPage } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** An event that an upstream did not accept. */
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

/** A dead letter as the examples show it. */
const example = {
  id: "out_01kdvqk4003m4n5p6q7r8s9t0v",
  seq: 9,
  type: "job.done",
  target: sample.target,
  attempts: 300,
  error: "smsr answered 500",
  createdAt: sample.at,
  deadAt: sample.at + 86_400_000,
  event: { specversion: "1.0", type: "job.done" },
} as const;

/** Upstream SM-SRs. */
export const upstreamOperations = {
  list: operation({
    route: "GET /v1/upstreams",
    scope: "read",
    operationId: "listUpstreams",
    example: {
      answer: {
        items: [
          {
            name: sample.upstream,
            webhook: true,
            pull: false,
            proxy: false,
            keyLookup: false,
            queued: 0,
            dead: 1,
            delivered: 220,
            failures: 0,
            lastSuccessAt: sample.at,
          },
        ],
      },
    },
    tags: ["upstreams"],
    summary: "List upstreams with delivery status",
    description: "The configured SM-SRs with waiting events, dead letters and the last error.",
    answers: { 200: z.object({ items: listOf(upstreamShape) }) },
  }),

  deadLetters: operation({
    route: "GET /v1/upstreams/:name/dead",
    scope: "read",
    operationId: "listDeadLetters",
    example: { params: { name: sample.upstream }, query: { limit: 20 }, answer: { items: [example] } },
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
    example: { params: { name: sample.upstream }, body: {}, answer: { count: 1 } },
    tags: ["upstreams"],
    summary: "Send dead letters again",
    description:
      "All dead letters or one of them, with the same id and body; they are sent before the events that are still waiting.",
    params: nameParams,
    body: which,
    answers: { 200: count },
  }),

  discard: operation({
    route: "POST /v1/upstreams/:name/dead/discard",
    scope: "admin",
    operationId: "discardDeadLetters",
    example: { params: { name: sample.upstream }, body: {}, answer: { count: 1 } },
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
