import { z } from "zod";
import { idParams, moment, octets, pageShape, seqPage, targetFilter } from "./fields.ts";
import { operation } from "./operation.ts";

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
        "Its CC, the PSK of its session or the reader that holds the card proves the card that it names; otherwise it changes nothing",
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

/** Notifications of eUICCs. */
export const notificationOperations = {
  list: operation({
    route: "GET /v1/notifications",
    scope: "read",
    operationId: "listNotifications",
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
    tags: ["notifications"],
    summary: "Leave a notification unconfirmed",
    description: "The card then rolls back. Refused if the confirmation was already sent.",
    params: idParams,
    answers: { 200: notificationShape },
  }),
};

/** A notification in an answer. */
export type NotificationAnswer = z.output<typeof notificationShape>;
