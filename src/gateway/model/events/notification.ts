import { z } from "zod";
import { aid, first as since } from "./facts.ts";

const sequence = z.string().describe("Sequence number of the notification, hexadecimal");
const notification = z.string().describe("Id of the notification");
const type = z.number().int().describe("Notification type");

/** Notifications of eUICCs. */
export const notificationEvents = {
  "notification.received": {
    text: "An eUICC sent a notification; repetitions are not reported again",
    clause: "SGP.02 §4.1.1.11",
    since,
    data: z.object({
      notification,
      eid: z.string(),
      type,
      text: z.string().describe("The type as text"),
      sequence,
      aid: aid.optional(),
      via: z.enum(["sms", "https"]),
      verified: z.boolean().describe("The notification authenticates its card"),
      confirmation: z.enum(["none", "pending", "confirmed", "failed", "withheld", "upstream"]),
    }),
  },
  "notification.confirmed": {
    text: "The confirmation of a notification succeeded",
    clause: "SGP.02 §4.1.1.12",
    since,
    data: z.object({ notification, type, sequence }),
  },
  "notification.unconfirmed": {
    text: "The confirmation of a notification failed",
    clause: "SGP.02 §4.1.1.12",
    since,
    data: z.object({ notification, type, sequence }),
  },
  "notification.withheld": {
    text: "A notification is deliberately not confirmed",
    since,
    data: z.object({ notification, type, sequence }),
  },
  "notification.unreadable": {
    text: "A session carried a notification that cannot be decoded",
    since,
    data: z.object({
      message: z.string().describe("Id of the received message"),
      via: z.literal("https"),
      raw: z.string().describe("Its octets in hexadecimal"),
      error: z.object({ code: z.string(), message: z.string(), detail: z.record(z.string(), z.unknown()) }),
    }),
  },
} as const;

const moved = z.object({
  aid: aid.optional(),
  tookMs: z.number().describe("Milliseconds since the card accepted the switch"),
});

/** Profile switches. */
export const switchEvents = {
  "switch.accepted": {
    text: "The card accepted a function that switches profiles",
    clause: "SGP.02 §3.2, §3.4",
    since,
    data: z.object({
      function: z.string().describe("`enableProfile` or `disableProfile`"),
      aid,
      by: z.literal("notification").optional().describe("The answer was lost; a notification proves the switch"),
    }),
  },
  "switch.switched": { text: "The card reported the new profile", clause: "SGP.02 §3.2", since, data: moved },
  "switch.confirmed": {
    text: "The card has the confirmation: the switch is final",
    clause: "SGP.02 §3.2",
    since,
    data: moved,
  },
  "switch.rolled-back": { text: "The card returned to the old profile", clause: "SGP.02 §3.2", since, data: moved },
  "switch.lapsed": {
    text: "The card reported nothing in time; evidence that arrives later corrects this",
    since,
    data: z.object({ aid, was: z.string().describe("State until then"), tookMs: z.number() }),
  },
} as const;
