import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { JobOrder, newJobOf } from "../../../gateway/jobs/job-order.ts";
import { shownJob, shownPackets } from "../../../gateway/jobs/shown-job.ts";
import type { Job, JobState } from "../../../gateway/model/job.ts";
import { hasEnded } from "../../../gateway/model/job.ts";
import { executedCommands } from "../../../gateway/scripts/executed-commands.ts";
import type { ApiDeps } from "../api-deps.ts";
import { awaited, waitQuery } from "../await-state.ts";
import { idempotencyHeaders } from "../idempotency-key.ts";
import { pageShape, sendPage, seqPage } from "../page.ts";
import { jobDetailShape, jobShape, jobState, problems, targetFilter } from "../shapes.ts";
import { mutable } from "./targets.ts";

const idParams = z.object({ id: z.string().min(1).max(100).describe("Id of the job") });

/** A comma-separated list of states. */
const stateList = z
  .string()
  .max(200)
  .transform((text, context) => {
    const states: JobState[] = [];
    for (const one of new Set(text.split(","))) {
      const parsed = jobState.safeParse(one);
      if (parsed.success) states.push(parsed.data);
      else context.addIssue({ code: "custom", message: "no such job state" });
    }
    return states;
  })
  .optional()
  .describe("Only in these states, separated by commas");

/** A job with its packets and the meaning of what the card answered. */
async function detail(deps: ApiDeps, job: Job) {
  const { packets, procedure } = await deps.gateway.store.read(async (r) => ({
    packets: await r.packets.ofJob(job.id),
    procedure: await r.profileSwitches.ofJob(job.id),
  }));
  const decoded = executedCommands(job.work, job.result?.commands ?? []).map((command) => ({
    function: command.function.name,
    sw: command.sw,
    meaning: command.meaning,
    succeeded: command.succeeded,
    ...(command.answer === undefined ? {} : { answer: shown(command.answer) }),
  }));
  return {
    ...mutable(shownJob(job)),
    packets: shownPackets(packets, job.work).map((packet) => mutable(packet)),
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
        operationId: "createJob",
        tags: ["jobs"],
        summary: "Order a job",
        description:
          "The job is durable when this answers. Jobs of one target are done in the order of acceptance. With an " +
          "Idempotency-Key that was used before by the same client, the job it stands for is answered again (200) and " +
          "nothing new is done; with another order under the same key the request is refused (422). For a download in " +
          "many scripts, order them one after the other with `request.moreToCome`, the last one without it.",
        headers: idempotencyHeaders,
        body: JobOrder,
        response: {
          200: jobShape.describe("The job that the key stands for"),
          202: jobShape.describe("The job, accepted"),
          ...problems,
        },
      },
      config: { scope: "jobs" },
    },
    async ({ body, headers, principal }, reply) => {
      const named = principal === undefined || principal.how === "socket" ? {} : { client: principal.client };
      const { job, created } = await gateway.submit(
        newJobOf(body, { face: "api", ...named }, headers["idempotency-key"]),
      );
      return reply
        .code(created ? 202 : 200)
        .header("location", `/v1/jobs/${job.id}`)
        .send(mutable(shownJob(job)));
    },
  );

  routes.get(
    "/v1/jobs",
    {
      schema: {
        operationId: "listJobs",
        tags: ["jobs"],
        summary: "List jobs",
        description: "Newest first.",
        querystring: seqPage.extend({ target: targetFilter, state: stateList }),
        response: { 200: pageShape(jobShape), ...problems },
      },
      config: { scope: "read" },
    },
    async ({ query }, reply) => {
      const target = query.target === undefined ? undefined : (await deps.targets.show(query.target)).target.id;
      const filter = {
        ...(target === undefined ? {} : { target }),
        ...(query.state === undefined ? {} : { state: query.state }),
      };
      return sendPage<Job, number>(reply, query, {
        find: (cursor, limit) => gateway.store.read((r) => r.jobs.list(filter, cursor, limit)),
        position: (job) => job.seq,
        shown: shownJob,
        item: jobShape,
      });
    },
  );

  routes.get(
    "/v1/jobs/:id",
    {
      schema: {
        operationId: "getJob",
        tags: ["jobs"],
        summary: "One job with what came of it",
        description: "With `wait` the answer is held until the job has ended or the time is over.",
        params: idParams,
        querystring: waitQuery,
        response: { 200: jobDetailShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params, query, raw }) => {
      const waiting = { waitMs: query.wait, gone: () => raw.destroyed };
      const job = await awaited(gateway.store, () => gateway.job(params.id), hasEnded, waiting);
      return detail(deps, job);
    },
  );

  routes.post(
    "/v1/jobs/:id/cancel",
    {
      schema: {
        operationId: "cancelJob",
        tags: ["jobs"],
        summary: "Cancel a job that has not ended",
        description: "`error.detail.executed` of the answer says whether the card may have run it all the same.",
        params: idParams,
        body: z.strictObject({}).nullish(),
        response: { 200: jobShape, ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params }) => mutable(shownJob(await gateway.cancel(params.id))),
  );
}
