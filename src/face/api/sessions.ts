import { z } from "zod";
import { validity } from "../../gateway/jobs/job-order.ts";
import { idPage, idParams, listOf, referenceParams } from "./fields.ts";
import { operation } from "./operation.ts";

const sessionShape = z
  .object({
    id: z.string(),
    target: z.string(),
    eid: z.string().optional(),
    remote: z.string(),
    openedAt: z.number(),
    phase: z.string(),
    posts: z.number().int(),
  })
  .meta({ id: "Session", description: "An SCP81 administration session that is open" });

/** SCP81 administration sessions. */
export const sessionOperations = {
  list: operation({
    route: "GET /v1/sessions",
    scope: "read",
    operationId: "listSessions",
    tags: ["sessions"],
    summary: "Open SCP81 sessions",
    description: "With where the server listens and its counters.",
    query: idPage,
    answers: {
      200: z.object({
        items: listOf(sessionShape),
        cursor: z.string().optional().describe("Where the next page begins"),
        listening: z.object({ host: z.string(), port: z.number().int() }).optional(),
        counters: z.record(z.string(), z.number()),
      }),
    },
  }),

  get: operation({
    route: "GET /v1/sessions/:id",
    scope: "read",
    operationId: "getSession",
    tags: ["sessions"],
    summary: "One open session",
    description: "What it is doing now.",
    params: idParams,
    answers: { 200: sessionShape },
  }),

  cut: operation({
    route: "DELETE /v1/sessions/:id",
    scope: "jobs",
    operationId: "cutSession",
    tags: ["sessions"],
    summary: "Cut a session",
    description: "The card may come back and resume it.",
    params: idParams,
    answers: { 204: z.null().describe("Cut") },
  }),

  trigger: operation({
    route: "POST /v1/targets/:ref/trigger",
    scope: "jobs",
    operationId: "triggerSession",
    tags: ["sessions"],
    summary: "Ask the card to open a session",
    description:
      "By an Administration Session Triggering message (GP Amendment B §3.7) over SMS or ENVELOPE, repeated until the session is there, also after a restart.",
    params: referenceParams,
    body: z
      .strictObject({
        validityMs: validity.optional().describe("How long to go on asking; 90 s when absent, which is one message"),
      })
      .nullish(),
    answers: { 202: z.object({ target: z.string() }).describe("The message is on its way") },
  }),
};

/** An open session in an answer. */
export type SessionAnswer = z.output<typeof sessionShape>;
