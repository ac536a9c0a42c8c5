import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { nearest } from "../../../base/nearest.ts";
import { frameKinds } from "../../../link/trace.ts";
import type { ApiDeps } from "../api-deps.ts";
import { drained } from "../drained.ts";
import type { OpenStreams } from "../open-streams.ts";
import { problems, targetFilter } from "../shapes.ts";
import type { KeptFrame } from "../trace-log.ts";

const text = z.string().min(1).max(512).optional();
const moment = z.coerce.number().min(0).max(1e15).optional();
/** Kinds of frames, separated by commas. */
const kindList = z
  .string()
  .max(200)
  .transform((list, context) => {
    const kinds = list.split(",");
    for (const one of kinds) {
      if (frameKinds.some((kind) => kind === one)) continue;
      const near = nearest(one, frameKinds);
      const hint = near === undefined ? `use ${frameKinds.join(", ")}` : `did you mean '${near}'?`;
      context.addIssue({ code: "custom", message: `'${one.slice(0, 40)}' is not a kind of frame; ${hint}` });
    }
    return kinds;
  });
const filter = z.strictObject({
  link: text.describe("Only of links with this in their id"),
  target: targetFilter,
  job: text.describe("Only of this job"),
  kind: kindList.optional().describe(`Only of these kinds, separated by commas: ${frameKinds.join(", ")}`),
  since: moment.describe("Not before, milliseconds since 1970"),
  until: moment.describe("Not after, milliseconds since 1970"),
});
const lines = { 200: { description: "Frames", content: { "application/jsonl": { schema: z.string() } } } };
/** What a watcher may leave unread before frames are left out for him. */
const unreadOctets = 1024 * 1024;

/** Frames as they were exchanged; as JSON lines, kept ones or live. */
export async function traceRoutes(
  app: FastifyInstance,
  { deps, streams }: { deps: ApiDeps; streams: OpenStreams },
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  const wantedBy = async (query: z.infer<typeof filter>): Promise<(frame: KeptFrame) => boolean> => {
    const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
    const kinds: readonly string[] | undefined = query.kind;
    return (frame) =>
      (query.link === undefined || frame.link.includes(query.link)) &&
      (target === undefined || frame.target === target) &&
      (query.job === undefined || frame.job === query.job) &&
      (kinds === undefined || kinds.includes(frame.kind)) &&
      (query.since === undefined || frame.at >= query.since) &&
      (query.until === undefined || frame.at <= query.until);
  };

  routes.get(
    "/v1/traces",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "listFrames",
        tags: ["traces"],
        summary: "Kept frames",
        description: "JSON lines, oldest first: what is left of the last days.",
        querystring: filter,
        response: { ...lines, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query, principal }, reply) => {
      const wanted = await wantedBy(query);
      streams.open(principal, reply.raw);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/jsonl" });
      for await (const frame of deps.traces.read(wanted)) {
        if (!reply.raw.write(`${JSON.stringify(frame)}\n`) && !(await drained(reply.raw))) {
          reply.raw.destroy();
          return;
        }
        if (reply.raw.destroyed) return;
      }
      reply.raw.end();
    },
  );

  routes.get(
    "/v1/traces/live",
    {
      exposeHeadRoute: false,
      schema: {
        operationId: "streamFrames",
        tags: ["traces"],
        summary: "Frames as they pass",
        description: "JSON lines without end. A reader that does not keep up misses frames; the kept ones are whole.",
        querystring: filter,
        response: { ...lines, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query, principal }, reply) => {
      const wanted = await wantedBy(query);
      streams.open(principal, reply.raw);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/jsonl" });
      reply.raw.flushHeaders();
      const off = deps.traces.onFrame((frame, line) => {
        if (reply.raw.writableLength < unreadOctets && wanted(frame)) reply.raw.write(line);
      });
      reply.raw.on("close", off);
    },
  );
}
