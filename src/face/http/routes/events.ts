import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { GatewayEvent } from "../../../gateway/model/event.ts";
import { eventsMatching } from "../../../gateway/upstream/event-filter.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type EventGap, eventsAfter } from "../event-gap.ts";
import { EventPages } from "../event-pages.ts";
import { streamEvents } from "../event-stream.ts";
import type { OpenStreams } from "../open-streams.ts";
import { eventShape, problems, targetFilter } from "../shapes.ts";

const position = z
  .string()
  .regex(/^[0-9]{1,15}$/, "no position of the log")
  .transform(Number);
const filters = {
  target: targetFilter,
  job: z.string().min(1).max(100).optional().describe("Only of this job"),
  type: z
    .string()
    .regex(/^[a-z*][a-z.*,-]{0,300}$/, "event types, `*` for any ending, separated by commas")
    .optional()
    .describe("Only of these types: `job.*,notification.received`"),
};
const gapShape = z.object({
  after: z.number().int().describe("The position that was asked for"),
  first: z.number().int().describe("The first event after it that is kept"),
});
/** Events that one request for a page looks at, at most: a narrow filter may find few among them. */
const scanned = 5000;

/** The durable event log: as pages, and live as server-sent events that resume at Last-Event-ID. */
export async function eventRoutes(
  app: FastifyInstance,
  { deps, streams }: { deps: ApiDeps; streams: OpenStreams },
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { store } = deps.gateway;
  const pages = new EventPages(store);

  const wantedBy = async (query: {
    target?: string | undefined;
    job?: string | undefined;
    type?: string | undefined;
  }): Promise<(event: GatewayEvent) => boolean> => {
    const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
    const typed = eventsMatching(query.type?.split(",") ?? ["*"]);
    return (event) =>
      (target === undefined || event.target === target) &&
      (query.job === undefined || event.job === query.job) &&
      typed(event.type);
  };

  routes.get(
    "/v1/events/log",
    {
      schema: {
        operationId: "listEvents",
        tags: ["events"],
        summary: "Events after a position",
        description:
          "Oldest first. `cursor` of the answer is where to go on, also when nothing was found; it is absent at the end of " +
          "the log, where the last `seq` is. `gap` says that events after the position are no longer kept.",
        querystring: z.strictObject({
          after: position.optional().describe("`seq` of the last event known; from the beginning when absent"),
          cursor: position.optional().describe("`cursor` of the page before; goes before `after`"),
          limit: z.coerce.number().int().min(1).max(1000).default(100).describe("Items in a page at most"),
          ...filters,
        }),
        response: {
          200: z.object({ items: z.array(eventShape), cursor: z.string().optional(), gap: gapShape.optional() }),
          ...problems,
        },
      },
      config: { scope: "read" },
    },
    async ({ query }) => {
      const wanted = await wantedBy(query);
      const items: GatewayEvent[] = [];
      const asked = query.cursor ?? query.after ?? 0;
      let at = asked;
      let gap: EventGap | undefined;
      for (let looked = 0; looked < scanned; ) {
        const found = await eventsAfter(store, at, 1000);
        // From the beginning is from the beginning of what there is.
        if (asked > 0) gap ??= found.gap;
        for (const event of found.events) {
          at = event.seq;
          if (wanted(event)) items.push(event);
          if (items.length === query.limit) return page(items, gap, at);
        }
        if (found.events.length < 1000) return page(items, gap);
        looked += found.events.length;
      }
      return page(items, gap, at);
    },
  );

  routes.get(
    "/v1/events",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "streamEvents",
        tags: ["events"],
        summary: "Events as they become durable",
        description:
          "Server-sent events: `id` is the position, `event` the type, `data` the event as JSON. `Last-Event-ID`, or `after`, " +
          "says where to go on; without either it begins now. Nothing is left out, however slow the reader. Where events after " +
          "the position are no longer kept, an event `gap` comes first, whatever is asked for: its `data.first` is the number " +
          "of the first event that follows.",
        produces: ["text/event-stream"],
        headers: z.looseObject({
          "last-event-id": z.string().max(40).optional().describe("Position of the last event known"),
        }),
        querystring: z.strictObject({
          after: position.optional().describe("Position of the last event known"),
          ...filters,
        }),
        response: {
          200: { description: "The stream", content: { "text/event-stream": { schema: z.string() } } },
          ...problems,
        },
      },
      config: { scope: "read" },
    },
    async ({ headers, query, principal }, reply) => {
      const last = headers["last-event-id"];
      const asked = last === undefined || last === "" ? query.after : positionOf(last);
      const end = await store.read((r) => r.events.last());
      if (asked !== undefined && asked > end) throw notThere(last === undefined ? "after" : "Last-Event-ID", end);
      const wanted = await wantedBy(query);
      streams.open(principal, reply.raw);
      await streamEvents({ store, pages, log: deps.log, now: Date.now }, reply, asked ?? end, wanted);
    },
  );
}

function positionOf(header: string): number {
  const parsed = position.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new GatewayError("api.usage", "Last-Event-ID: no position of the log", {
    detail: { field: "Last-Event-ID", in: "header" },
  });
}

/** A position of another store: waiting for it would be waiting in silence. */
function notThere(field: string, end: number): GatewayError {
  return new GatewayError("api.usage", `${field}: behind the end of this log`, { detail: { field, end } });
}

function page(items: readonly GatewayEvent[], gap: EventGap | undefined, at?: number) {
  return {
    items: items.map(plain),
    ...(at === undefined ? {} : { cursor: String(at) }),
    ...(gap === undefined ? {} : { gap: { ...gap } }),
  };
}

function plain(event: GatewayEvent) {
  return { ...event, data: { ...event.data } };
}
