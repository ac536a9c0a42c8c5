import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import { nearest } from "../../../base/nearest.ts";
import type { GatewayEvent } from "../../../gateway/model/event.ts";
import { eventCatalogue } from "../../../gateway/model/event-catalogue.ts";
import type { EventGap } from "../../../gateway/records/event-log.ts";
import { eventsMatching, fitsNoEvent } from "../../../gateway/upstream/event-filter.ts";
import { eventOperations, logPosition } from "../../api/events.ts";
import type { ApiDeps } from "../api-deps.ts";
import { EventPages } from "../event-pages.ts";
import { streamEvents } from "../event-stream.ts";
import type { OpenStreams } from "../open-streams.ts";
import { routeOf } from "../route.ts";

/** Maximum number of events that one request for a page examines: a narrow filter may match few of them. */
const scanned = 5000;

/** The durable event log: as pages, and live as server-sent events that resume at Last-Event-ID. */
export async function eventRoutes(
  app: FastifyInstance,
  { deps, streams }: { deps: ApiDeps; streams: OpenStreams },
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { events: log } = deps.gateway;
  const pages = new EventPages(log);

  const wantedBy = async (query: {
    target?: string | undefined;
    job?: string | undefined;
    type?: string | undefined;
  }): Promise<(event: GatewayEvent) => boolean> => {
    const target = query.target === undefined ? undefined : (await deps.gateway.targets.show(query.target)).target.id;
    const types = query.type?.split(",") ?? ["*"];
    const unknown = types.find(fitsNoEvent);
    if (unknown !== undefined) throw noSuchType(unknown);
    const typed = eventsMatching(types);
    return (event) =>
      (target === undefined || event.target === target) &&
      (query.job === undefined || event.job === query.job) &&
      typed(event.type);
  };

  routes.route({
    ...routeOf(eventOperations.list),
    handler: async ({ query }) => {
      const wanted = await wantedBy(query);
      const items: GatewayEvent[] = [];
      const asked = query.cursor ?? query.after;
      let at = asked ?? (query.last === undefined ? 0 : Math.max(0, (await log.last()) - query.last));
      let gap: EventGap | undefined;
      for (let looked = 0; looked < scanned; ) {
        const found = await log.after(at, 1000);
        // A request without a position starts with the oldest event that remains, without a gap.
        if (asked !== undefined && asked > 0) gap ??= found.gap;
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
  });

  routes.route({
    ...routeOf(eventOperations.stream),
    exposeHeadRoute: false,
    handler: async ({ headers, query, principal }, reply) => {
      const last = headers["last-event-id"];
      const asked = last === undefined || last === "" ? query.after : positionOf(last);
      const end = await log.last();
      if (asked !== undefined && asked > end) throw notThere(last === undefined ? "after" : "Last-Event-ID", end);
      const wanted = await wantedBy(query);
      streams.open(principal, reply.raw);
      await streamEvents({ events: log, pages, log: deps.log, now: Date.now }, reply, asked ?? end, wanted);
    },
  });
}

function positionOf(header: string): number {
  const parsed = logPosition.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new GatewayError("api.usage", "Last-Event-ID: is not a position of the log", {
    detail: { field: "Last-Event-ID", in: "header" },
  });
}

/** Refuses a position after the end, which belongs to another store: the client would wait for it in vain. */
function notThere(field: string, end: number): GatewayError {
  return new GatewayError("api.usage", `${field}: is after the end of the log`, { detail: { field, end } });
}

function noSuchType(type: string): GatewayError {
  const near = nearest(type, Object.keys(eventCatalogue));
  return new GatewayError(
    "api.usage",
    `type: no event '${type}'${near === undefined ? "" : `; did you mean '${near}'?`}`,
    {
      detail: { field: "type", in: "query" },
    },
  );
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
