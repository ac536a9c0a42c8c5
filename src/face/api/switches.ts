import { z } from "zod";
import { idParams, pageShape, seqPage, targetFilter, waitQuery } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** A profile switch. SGP.02 §3.2 */
export const switchShape = z
  .object({
    id: z.string(),
    target: z.string(),
    job: z.string().describe("The job that started it"),
    kind: z.enum(["enable", "disable"]),
    aid: z.string().describe("ISD-P of the function"),
    from: z.string().optional().describe("ISD-P that was enabled before"),
    at: z.enum(["accepted", "switched", "confirmed", "rolled-back", "lapsed"]),
    acceptedAt: z.number(),
    switchedAt: z.number().optional(),
    endedAt: z.number().optional(),
    holdUntil: z.number().describe("Time until which other jobs of the target wait"),
  })
  .meta({ id: "ProfileSwitch", description: "A profile switch from its acceptance to its end (SGP.02 §3.2, §3.4)" });

/** A profile switch as the examples show it. */
export const switchExample = {
  id: sample.switch,
  target: sample.target,
  job: sample.job,
  kind: "enable",
  aid: sample.isdP,
  from: sample.formerIsdP,
  at: "confirmed",
  acceptedAt: sample.at + 34,
  switchedAt: sample.at + 120,
  endedAt: sample.at + 190,
  holdUntil: sample.at + 120_034,
} as const;

const list = {
  scope: "read",
  tags: ["switches"],
  summary: "List profile switches",
  description: "Newest first: accepted, switched, and confirmed, rolled back or lapsed, with times.",
  query: seqPage.extend({ target: targetFilter }),
  answers: { 200: pageShape(switchShape) },
  example: { query: { target: sample.eid }, answer: { items: [switchExample] } },
} as const;

const get = {
  scope: "read",
  tags: ["switches"],
  summary: "Get a profile switch",
  description:
    "With `wait` the answer comes when the switch is confirmed, rolled back or lapsed, or when the time is over. " +
    "A lapsed switch still changes if the card reports later.",
  params: idParams,
  query: waitQuery,
  answers: { 200: switchShape },
  example: { params: { id: sample.switch }, query: { wait: 10_000 }, answer: switchExample },
} as const;

/** Profile switches. */
export const switchOperations = {
  list: operation({ route: "GET /v1/switches", operationId: "listSwitches", ...list }),

  listOld: operation({ route: "GET /v1/procedures", operationId: "listProcedures", deprecated: true, ...list }),

  get: operation({ route: "GET /v1/switches/:id", operationId: "getSwitch", ...get }),

  getOld: operation({ route: "GET /v1/procedures/:id", operationId: "getProcedure", deprecated: true, ...get }),
};

/** A profile switch in an answer. */
export type SwitchAnswer = z.output<typeof switchShape>;
