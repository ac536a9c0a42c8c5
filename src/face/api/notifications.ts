import { z } from "zod";
import { idParams, moment, octets, pageShape, seqPage, targetFilter } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** What an eUICC reported. SGP.02 §4.1.1.11 */
export const notificationShape = z
  .object({
    id: z.string(),
    seq: z.number().int(),
    target: z.string().optional(),
    eid: z.string(),
    type: z.number().int().describe("1 first network, 2 profile change succeeded, 3 rolled back, 5 fall-back"),
    text: z.string(),
    sequence: z.string().describe("Notification sequence number, four hexadecimal digits"),
    aid: z.string().optional().describe("ISD-P that is enabled now"),
    imei: z.string().optional(),
    via: z.enum(["sms", "https"]),
    link: z.string(),
    verified: z
      .boolean()
      .describe(
        "Whether its CC, the PSK of its session or the reader that holds the card proves that it is from the card; if not, it changes nothing",
      ),
    copies: z.number().int(),
    confirmation: z.string(),
    confirmJob: z.string().optional(),
    raw: octets.describe("The unchanged notification TLV"),
    firstAt: moment,
    lastAt: moment,
    confirmedAt: moment.optional(),
  })
  .meta({
    id: "Notification",
    description: "A notification of an eUICC; repetitions are counted, not listed (SGP.02 §4.1.1.11)",
  });

/** A notification as the examples show it. */
const example = {
  id: sample.notification,
  seq: 3,
  target: sample.target,
  eid: sample.eid,
  type: 2,
  text: "profile change succeeded",
  sequence: "0001",
  aid: sample.isdP,
  imei: "350000000000006",
  via: "sms",
  link: sample.reader,
  verified: true,
  copies: 1,
  confirmation: "upstream",
  raw: "E1354C10890010120123412340123456789012244D01024E0200012F10A0000005591010FFFFFFFF890000130014083A05000000000060",
  firstAt: sample.at,
  lastAt: sample.at,
} as const;

/** Notifications of eUICCs. */
export const notificationOperations = {
  list: operation({
    route: "GET /v1/notifications",
    scope: "read",
    operationId: "listNotifications",
    example: { query: { target: sample.eid }, answer: { items: [example] } },
    tags: ["notifications"],
    summary: "List notifications of eUICCs",
    description: "Newest first; a notification that the card repeated is listed once.",
    query: seqPage.extend({ target: targetFilter }),
    answers: { 200: pageShape(notificationShape) },
  }),

  get: operation({
    route: "GET /v1/notifications/:id",
    scope: "read",
    operationId: "getNotification",
    example: { params: { id: sample.notification }, answer: example },
    tags: ["notifications"],
    summary: "Get a notification",
    description: "Includes the state of its confirmation.",
    params: idParams,
    answers: { 200: notificationShape },
  }),

  confirm: operation({
    route: "POST /v1/notifications/:id/confirm",
    scope: "jobs",
    operationId: "confirmNotification",
    example: {
      params: { id: sample.notification },
      answer: { ...example, confirmation: "pending", confirmJob: sample.job },
    },
    tags: ["notifications"],
    summary: "Confirm a notification",
    description:
      "For a notification that waits for the upstream, was withheld, or could not be confirmed. A job sends the confirmation.",
    params: idParams,
    answers: { 200: notificationShape },
  }),

  withhold: operation({
    route: "POST /v1/notifications/:id/withhold",
    scope: "jobs",
    operationId: "withholdNotification",
    example: { params: { id: sample.notification }, answer: { ...example, confirmation: "withheld" } },
    tags: ["notifications"],
    summary: "Leave a notification unconfirmed",
    description: "The card then rolls back. Refused if the confirmation was already sent.",
    params: idParams,
    answers: { 200: notificationShape },
  }),
};

/** A notification in an answer. */
export type NotificationAnswer = z.output<typeof notificationShape>;
