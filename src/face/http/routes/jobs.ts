import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { octetText } from "../../../base/octet-text.ts";
import { newJobOf } from "../../../gateway/jobs/job-order.ts";
import { shownJob, shownPackets } from "../../../gateway/jobs/shown-job.ts";
import { recordId } from "../../../gateway/model/identifiers.ts";
import type { Job } from "../../../gateway/model/job.ts";
import { hasEnded } from "../../../gateway/model/job.ts";
import { executedCommands } from "../../../gateway/scripts/executed-commands.ts";
import { jobOperations, jobShape } from "../../api/jobs.ts";
import type { ApiDeps } from "../api-deps.ts";
import { awaited } from "../await-state.ts";
import { sendPage } from "../page.ts";
import { faceOf, routeOf } from "../route.ts";

/** A job with its packets and the meaning of what the card answered. */
async function detail(deps: ApiDeps, job: Job) {
  const { packets, profileSwitch } = await deps.gateway.jobs.parts(job.id);
  const decoded = executedCommands(job.work, job.result?.commands ?? []).map((command) => ({
    function: command.function.name,
    sw: command.sw,
    meaning: command.meaning,
    succeeded: command.succeeded,
    ...(command.answer === undefined ? {} : { answer: withHexOctets(command.answer) }),
  }));
  return {
    ...octetText(shownJob(job)),
    packets: octetText(shownPackets(packets, job.work)),
    decoded,
    ...(profileSwitch === undefined ? {} : { switch: profileSwitch, procedure: profileSwitch }),
  };
}

/** Octets inside a decoded answer as hexadecimal. */
function withHexOctets(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex").toUpperCase();
  if (Array.isArray(value)) return value.map(withHexOctets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withHexOctets(inner)]));
}

/** Jobs: scripts on their way to cards. */
export async function jobRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { events, jobs } = deps.gateway;

  routes.route({
    ...routeOf(jobOperations.submit),
    handler: async ({ body, headers, principal, raw }, reply) => {
      const named = principal === undefined || principal.how === "socket" ? {} : { client: principal.client };
      const { job, created } = await jobs.submit(
        newJobOf(body, { face: faceOf(raw), ...named }, headers["idempotency-key"]),
      );
      return reply
        .code(created ? 202 : 200)
        .header("location", `/v1/jobs/${job.id}`)
        .send(octetText(shownJob(job)));
    },
  });

  routes.route({
    ...routeOf(jobOperations.list),
    handler: async ({ query }, reply) => {
      const target = query.target === undefined ? undefined : (await deps.gateway.targets.show(query.target)).target.id;
      const filter = withoutUndefined({ target, state: query.state });
      return sendPage(reply, query, {
        find: (cursor, limit) => jobs.list(filter, cursor, limit),
        position: (job) => job.seq,
        answerOf: (job) => octetText(shownJob(job)),
        item: jobShape,
      });
    },
  });

  routes.route({
    ...routeOf(jobOperations.get),
    handler: async ({ params, query, raw }) => {
      const waiting = { waitMs: query.wait, gone: () => raw.destroyed };
      const id = recordId("job", params.id);
      const job = await awaited(events, () => jobs.get(id), hasEnded, waiting);
      return detail(deps, job);
    },
  });

  routes.route({
    ...routeOf(jobOperations.cancel),
    handler: async ({ params }) => octetText(shownJob(await jobs.cancel(recordId("job", params.id)))),
  });
}
