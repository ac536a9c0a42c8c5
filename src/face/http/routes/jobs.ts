import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GatewayError } from "../../../base/gateway-error.ts";
import { executedCommands } from "../../../gateway/executed.ts";
import { hasEnded, type NewJob } from "../../../gateway/gateway.ts";
import type { Job } from "../../../gateway/job.ts";
import { withoutUndefined } from "../../../gateway/target-import.ts";
import type { ApiDeps } from "../server.ts";
import { hexText, jobShape, packetShape, pageQuery, problems } from "../shapes.ts";
import { mutable } from "./targets.ts";

const tar = z
  .string()
  .regex(/^[0-9a-fA-F]{6}$/, "a TAR of three octets")
  .transform((text) => text.toUpperCase());
const aid = z.string().regex(/^[0-9a-fA-F]{10,32}$/, "an AID");
const apdu = hexText.min(8).transform((text) => text.toUpperCase());

/** What can be asked for. */
const work = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("es5"),
    function: z.string(),
    params: z.record(z.string(), z.unknown()).optional(),
  }),
  z.strictObject({
    kind: z.literal("script"),
    tar: tar.default("000001"),
    aid: aid.optional(),
    apdus: z.array(apdu).min(1).max(1000),
    format: z.enum(["expanded-definite", "expanded-indefinite", "compact"]).optional(),
  }),
  z.strictObject({
    kind: z.literal("body"),
    tar: tar.default("000001"),
    aid: aid.optional(),
    body: hexText.min(2).transform((text) => text.toUpperCase()),
  }),
  z.strictObject({
    kind: z.literal("packet"),
    userData: z.array(hexText.min(6).max(280)).min(1).max(255),
    protocolId: z.number().int().min(0).max(255).default(0x7f),
    dataCoding: z.number().int().min(0).max(255).default(0xf6),
    from: z.string().optional(),
  }),
]);

const request = z.strictObject({
  bearer: z.enum(["auto", "https", "envelope", "sms"]).optional(),
  link: z.string().optional(),
  spi: z
    .string()
    .regex(/^[0-9a-fA-F]{4}$/, "SPI of two octets")
    .optional(),
  kvn: z.number().int().min(1).max(15).optional(),
  maxPackets: z.number().int().min(1).max(20).optional(),
  answerTimeoutMs: z.number().int().positive().max(86_400_000).optional(),
  fireAndForget: z.boolean().optional(),
  onAnswerLost: z.enum(["fail", "repeat"]).optional(),
  moreToCome: z.boolean().optional(),
});

const newJob = z.strictObject({
  target: z.string().min(1),
  work,
  request: request.optional(),
  validityMs: z
    .number()
    .int()
    .positive()
    .max(30 * 86_400_000)
    .optional(),
  reference: z.string().max(200).optional(),
});

const idParams = z.object({ id: z.string() });
const detailed = jobShape.extend({
  packets: z.array(packetShape),
  decoded: z.array(z.record(z.string(), z.unknown())),
  procedure: z.record(z.string(), z.unknown()).optional(),
});

/** A job with its packets and the meaning of what the card answered. */
async function detail(deps: ApiDeps, job: Job) {
  const { packets, procedure } = await deps.gateway.store.read(async (r) => ({
    packets: await r.packets.ofJob(job.id),
    procedure: await r.procedures.ofJob(job.id),
  }));
  const decoded = executedCommands(job.work, job.result?.commands ?? []).map((command) => ({
    function: command.function.name,
    sw: command.sw,
    succeeded: command.succeeded,
    ...(command.answer === undefined ? {} : { answer: shown(command.answer) }),
  }));
  return {
    ...mutable(job),
    packets: packets.map(mutable),
    decoded,
    ...(procedure === undefined ? {} : { procedure: { ...procedure } }),
  };
}

/** Octets inside a decoded answer as hexadecimal. */
function shown(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex").toUpperCase();
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
}

/** Jobs: scripts on their way to cards. */
export async function jobRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { gateway } = deps;

  routes.post(
    "/v1/jobs",
    {
      schema: {
        tags: ["jobs"],
        summary: "Queue a job; with the same Idempotency-Key the first one is answered again",
        headers: z.object({ "idempotency-key": z.string().min(1).max(200).optional() }),
        body: newJob,
        response: { 200: jobShape, 202: jobShape, ...problems },
      },
    },
    async ({ body, headers }, reply) => {
      const key = headers["idempotency-key"];
      const order: NewJob = {
        target: body.target,
        work: withoutUndefined(body.work),
        ...(body.request === undefined ? {} : { request: withoutUndefined(body.request) }),
        origin: { face: "api", ...(body.reference === undefined ? {} : { reference: body.reference }) },
        ...(body.validityMs === undefined ? {} : { validityMs: body.validityMs }),
        ...(key === undefined ? {} : { idempotencyKey: key }),
      };
      const { job, created } = await gateway.submit(order);
      return reply
        .code(created ? 202 : 200)
        .header("location", `/v1/jobs/${job.id}`)
        .send(mutable(job));
    },
  );

  routes.get(
    "/v1/jobs",
    {
      schema: {
        tags: ["jobs"],
        summary: "List jobs, newest first",
        querystring: pageQuery.extend({ target: z.string().optional(), state: z.string().optional() }),
        response: { 200: z.object({ items: z.array(jobShape), cursor: z.string().optional() }), ...problems },
      },
    },
    async ({ query }) => {
      const states = query.state?.split(",").map((state) => jobShape.shape.state.safeParse(state));
      if (states?.some((state) => !state.success))
        throw new GatewayError("api.usage", `state: no such job state`, { detail: { field: "state" } });
      const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
      const before = query.cursor === undefined ? undefined : Number(query.cursor);
      if (before !== undefined && !Number.isSafeInteger(before))
        throw new GatewayError("api.usage", "cursor: not one of ours", { detail: { field: "cursor" } });
      const found = await gateway.store.read((r) =>
        r.jobs.list(
          {
            ...(target === undefined ? {} : { target }),
            ...(states === undefined ? {} : { state: states.flatMap((state) => (state.success ? [state.data] : [])) }),
          },
          before,
          query.limit,
        ),
      );
      const last = found.length === query.limit ? found.at(-1)?.seq : undefined;
      return { items: found.map(mutable), ...(last === undefined ? {} : { cursor: String(last) }) };
    },
  );

  routes.get(
    "/v1/jobs/:id",
    {
      schema: {
        tags: ["jobs"],
        summary: "One job with its packets; `wait` holds the answer until the job ends or the time is over",
        params: idParams,
        querystring: z.object({ wait: z.coerce.number().int().min(0).max(60_000).default(0) }),
        response: { 200: detailed, ...problems },
      },
    },
    async ({ params, query }) => {
      const until = Date.now() + query.wait;
      let job = await gateway.job(params.id);
      while (!hasEnded(job) && Date.now() < until) {
        await nextEvent(deps, Math.min(until - Date.now(), 1000));
        job = await gateway.job(params.id);
      }
      return detail(deps, job);
    },
  );

  routes.post(
    "/v1/jobs/:id/cancel",
    {
      schema: {
        tags: ["jobs"],
        summary: "Cancel a job that has not ended",
        params: idParams,
        response: { 200: jobShape, ...problems },
      },
    },
    async ({ params }) => mutable(await gateway.cancel(params.id)),
  );
}

/** Resolves with the next durable event, or after the time. */
function nextEvent(deps: ApiDeps, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const off = deps.gateway.store.onEvents(done);
  });
}
