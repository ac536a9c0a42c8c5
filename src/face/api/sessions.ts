import { z } from "zod";
import { validity } from "../../gateway/jobs/job-order.ts";
import { idPage, idParams, listOf, referenceParams } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

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
  .meta({ id: "Session", description: "An open SCP81 administration session" });

/** A session as the examples show it. */
const example = {
  id: sample.session,
  target: sample.target,
  eid: sample.eid,
  remote: "198.51.100.20:40112",
  openedAt: sample.at,
  phase: "idle",
  posts: 2,
} as const;

/** SCP81 administration sessions. */
export const sessionOperations = {
  list: operation({
    route: "GET /v1/sessions",
    scope: "read",
    operationId: "listSessions",
    example: {
      query: { limit: 20 },
      answer: { items: [example], listening: { host: "0.0.0.0", port: 8443 }, counters: { opened: 1 } },
    },
    tags: ["sessions"],
    summary: "List open SCP81 sessions",
    description: "Includes the address of the server and its counters.",
    query: idPage,
    answers: {
      200: z.object({
        items: listOf(sessionShape),
        cursor: z.string().optional().describe("Cursor of the next page"),
        listening: z.object({ host: z.string(), port: z.number().int() }).optional(),
        counters: z.record(z.string(), z.number()),
      }),
    },
  }),

  get: operation({
    route: "GET /v1/sessions/:id",
    scope: "read",
    operationId: "getSession",
    example: { params: { id: sample.session }, answer: example },
    tags: ["sessions"],
    summary: "Get an open session",
    description: "The current state.",
    params: idParams,
    answers: { 200: sessionShape },
  }),

  cut: operation({
    route: "DELETE /v1/sessions/:id",
    scope: "jobs",
    operationId: "cutSession",
    example: { params: { id: sample.session } },
    tags: ["sessions"],
    summary: "Close a session",
    description: "The card may reconnect and resume it.",
    params: idParams,
    answers: { 204: z.null().describe("Closed") },
  }),

  trigger: operation({
    route: "POST /v1/targets/:ref/trigger",
    scope: "jobs",
    operationId: "triggerSession",
    example: { params: { ref: sample.eid }, body: { validityMs: 90_000 }, answer: { target: sample.target } },
    tags: ["sessions"],
    summary: "Trigger an SCP81 session",
    description:
      "Sends an Administration Session Triggering message (GP Amendment B §3.7) over SMS or ENVELOPE and repeats it until the session is open, also after a restart.",
    params: referenceParams,
    body: z
      .strictObject({
        validityMs: validity.optional().describe("How long to repeat the trigger; default 90 s, which is one message"),
      })
      .nullish(),
    answers: { 202: z.object({ target: z.string() }).describe("The message was submitted") },
  }),
};
