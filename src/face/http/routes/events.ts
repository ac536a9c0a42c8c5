import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { GatewayEvent } from "../../../gateway/event.ts";
import { drained } from "../drained.ts";
import type { ApiDeps } from "../server.ts";
import { problems } from "../shapes.ts";

const eventShape = z.object({
  seq: z.number().int(),
  at: z.number(),
  type: z.string(),
  target: z.string().optional(),
  job: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});

const keepAliveMs = 15_000;
const pageSize = 500;

/** The durable event log: as pages, and live as server-sent events that resume at Last-Event-ID. */
export async function eventRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { store } = deps.gateway;

  routes.get(
    "/v1/events/log",
    {
      schema: {
        tags: ["events"],
        summary: "Events after a position",
        querystring: z.object({
          after: z.coerce.number().int().min(0).default(0),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: z.object({ items: z.array(eventShape) }), ...problems },
      },
    },
    async ({ query }) => ({
      items: (await store.read((r) => r.events.after(query.after, query.limit))).map((event) => ({
        ...event,
        data: { ...event.data },
      })),
    }),
  );

  routes.get(
    "/v1/events",
    {
      schema: {
        tags: ["events"],
        summary:
          "Events as they become durable (text/event-stream); `Last-Event-ID` or `after` says where to go on, default: now",
        headers: z.object({ "last-event-id": z.string().optional() }),
        querystring: z.object({
          after: z.coerce.number().int().min(0).optional(),
          target: z.string().optional(),
          job: z.string().optional(),
        }),
      },
    },
    async ({ headers, query }, reply) => {
      const last = headers["last-event-id"];
      const asked = last === undefined || last === "" ? query.after : Number(last);
      if (asked !== undefined && !Number.isSafeInteger(asked))
        throw new GatewayError("api.usage", "Last-Event-ID: not a position", { detail: { field: "Last-Event-ID" } });
      const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
      const from = asked ?? (await store.read((r) => r.events.last()));
      const wanted = (event: GatewayEvent) =>
        (target === undefined || event.target === target) && (query.job === undefined || event.job === query.job);
      await stream(deps, reply, from, wanted);
    },
  );
}

/** Sends what is in the log after `from`, then what follows; slow readers are read from the log, never buffered without bound. */
async function stream(
  deps: ApiDeps,
  reply: FastifyReply,
  from: number,
  wanted: (event: GatewayEvent) => boolean,
): Promise<void> {
  const { store } = deps.gateway;
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
  raw.write(": otagate\n\n");
  let at = from;
  let wake = () => {};
  const off = store.onEvents(() => wake());
  let open = true;
  raw.on("close", () => {
    open = false;
    wake();
  });
  try {
    while (open) {
      const events = await store.read((r) => r.events.after(at, pageSize));
      for (const event of events) {
        at = event.seq;
        if (!wanted(event)) continue;
        const room = raw.write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
        if (!room && open) await drained(raw);
      }
      if (events.length === pageSize) continue;
      const woken = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), keepAliveMs);
        wake = () => {
          clearTimeout(timer);
          resolve(true);
        };
        if (!open) wake();
      });
      wake = () => {};
      if (!woken && open) raw.write(": still here\n\n");
    }
  } catch (error) {
    deps.log.warn({ err: String(error) }, "an event stream ended");
  } finally {
    off();
    raw.end();
  }
}
