import { z } from "zod";
import { facts, listOf, moment, targetFilter } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";
import { sample } from "./kit/sample.ts";

/** An event of the log. */
const eventShape = z
  .object({
    seq: z.number().int().describe("Position in the log; the id of the event stream"),
    at: moment,
    type: z.string(),
    target: z.string().optional(),
    job: z.string().optional(),
    data: facts,
  })
  .meta({ id: "Event", description: "An event of the durable log" });

/** A position of the log, as text. */
export const logPosition = z.coerce
  .string<string | number>()
  .regex(/^[0-9]{1,15}$/, "must be a position of the event log")
  .transform(Number);

const filters = {
  target: targetFilter,
  job: z.string().min(1).max(100).optional().describe("Only for this job"),
  type: z
    .string()
    .regex(/^[a-z*][a-z.*,-]{0,300}$/, "must be event types separated by commas, with `*` for any ending")
    .optional()
    .describe("Only of these types: `job.*,notification.received`"),
};

const gapShape = z.object({
  after: z.number().int().describe("The requested position"),
  first: z.number().int().describe("The first remaining event after it"),
});

/** An event as the examples show it. */
const example = {
  seq: 42,
  at: sample.at,
  type: "job.queued",
  target: sample.target,
  job: sample.job,
  data: { origin: { face: "api", client: "ci" } },
} as const;

/** The durable event log. */
export const eventOperations = {
  list: operation({
    route: "GET /v1/events/log",
    scope: "read",
    operationId: "listEvents",
    example: { query: { after: "0", limit: 1 }, answer: { items: [example], cursor: "42" } },
    tags: ["events"],
    summary: "List events",
    description:
      "Oldest first. `cursor` of the answer is the position to continue from, even if the page is empty. It is absent at " +
      "the end of the log; continue from the last `seq` there. `gap` is present if events after the position have been removed.",
    query: z.strictObject({
      after: logPosition.optional().describe("`seq` of the last received event; from the beginning when absent"),
      cursor: logPosition.optional().describe("`cursor` of the previous page; overrides `after`"),
      last: z.coerce
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe("Begin with the last events, so many before filtering; `after` and `cursor` override it"),
      limit: z.coerce.number().int().min(1).max(1000).default(100).describe("Maximum number of items in a page"),
      ...filters,
    }),
    answers: {
      200: z.object({ items: listOf(eventShape), cursor: z.string().optional(), gap: gapShape.optional() }),
    },
  }),

  stream: operation({
    route: "GET /v1/events events",
    scope: "read",
    operationId: "streamEvents",
    example: { query: { type: "job.*" }, answer: example },
    tags: ["events"],
    summary: "Stream events",
    description:
      "Server-sent events: `id` is the position, `event` the type, `data` the event as JSON. `Last-Event-ID`, or `after`, " +
      "is the position to continue from; without either, the stream begins now. A slow reader receives every event. If " +
      "events after the position have been removed, an event `gap` comes first, regardless of filters: its `data.first` is " +
      "the number of the first event that follows.",
    headers: z.looseObject({
      "last-event-id": z.string().max(40).optional().describe("Position of the last received event"),
    }),
    query: z.strictObject({
      after: logPosition.optional().describe("Position of the last received event"),
      ...filters,
    }),
    mediaType: "text/event-stream",
    answers: { 200: eventShape.describe("The stream") },
  }),
};

/** An event in an answer. */
export type EventAnswer = z.output<typeof eventShape>;
