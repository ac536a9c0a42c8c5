import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { ConnectivityShape } from "../../../gateway/eis/connectivity-parameters.ts";
import { shownJob } from "../../../gateway/jobs/shown-job.ts";
import type { ApiDeps } from "../api-deps.ts";
import { jobShape, problems, referenceParams } from "../shapes.ts";
import { mutable } from "./targets.ts";

const side = z.union([z.string(), z.number(), z.boolean()]).optional();
const domainShape = z.object({
  aid: z.string().optional(),
  state: z.string().optional(),
  lifeCycle: z.number().int().optional(),
  fallback: z.boolean().optional(),
  grantedMemory: z.number().optional(),
  remainingMemory: z.number().optional(),
});

const auditShape = z
  .object({
    target: z.string(),
    jobs: z.array(z.string()),
    domains: z.array(domainShape).describe("ISD-Ps as the card lists them"),
    resources: z
      .object({
        applications: z.number().optional(),
        freeNonVolatile: z.number().optional(),
        freeVolatile: z.number().optional(),
      })
      .optional(),
    differences: z
      .array(
        z.object({
          aid: z.string().optional(),
          iccid: z.string().optional(),
          what: z.enum(["profile", "state", "fallback", "freeMemory", "remainingMemory"]),
          eis: side.describe("What the EIS says; absent: it does not have it"),
          card: side.describe("What the card says; absent: it does not have it"),
        }),
      )
      .describe("Against the EIS as it was before"),
    fixed: z.boolean().describe("The card's word was taken into the EIS"),
  })
  .meta({ id: "CardAudit", description: "What the card says of itself, and where the EIS says otherwise" });

const reach = z.record(z.string(), z.unknown());
const connectivityShape = z
  .object({
    smsr: reach.describe("Where the card reaches its SM-SR: number, https"),
    profiles: z.array(z.looseObject({ aid: z.string(), iccid: z.string().optional() })),
    unreadable: z.array(z.string()).describe("Templates that are known but cannot be read"),
  })
  .meta({ id: "Connectivity", description: "Connectivity parameters as far as they are known here" });

/** The EIS against the card itself, and where the card reaches the world. */
export async function cardAuditRoutes(app: FastifyInstance, { deps }: { deps: ApiDeps }): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const { audits, connectivity } = deps;

  routes.post(
    "/v1/targets/:ref/audit",
    {
      schema: {
        operationId: "auditTarget",
        tags: ["targets"],
        summary: "Compare the EIS with the card",
        description:
          "Asks the card for its ISD-Ps and its memory, and answers when it has said it: `api.timeout` names the job that " +
          "goes on when it takes longer than `waitMs`. With `fix` the EIS becomes what the card says; when the EIS changed " +
          "while the card was asked, it is asked again, and after three times `store.conflict` tells that nothing was adopted.",
        params: referenceParams,
        body: z
          .strictObject({
            fix: z.boolean().default(false),
            waitMs: z.number().int().min(100).max(60_000).default(5_000).describe("How long the answer may be held"),
            bearer: z.enum(["auto", "https", "envelope", "sms", "short-message"]).optional(),
            link: z.string().min(1).max(512).optional(),
          })
          .nullish(),
        response: { 200: auditShape, ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params, body, principal }) => {
      const { fix, waitMs, bearer, link } = body ?? { fix: false, waitMs: 5_000 };
      const named = principal === undefined || principal.how === "socket" ? {} : { client: principal.client };
      const report = await audits.audit(params.ref, {
        fix,
        waitMs,
        origin: { face: "api", ...named },
        request: { ...(bearer === undefined ? {} : { bearer }), ...(link === undefined ? {} : { link }) },
      });
      const { jobs, domains, differences, ...rest } = report;
      return {
        ...mutable(rest),
        jobs: [...jobs],
        domains: domains.map((one) => ({ ...one })),
        differences: differences.map(mutable),
      };
    },
  );

  routes.get(
    "/v1/targets/:ref/connectivity",
    {
      schema: {
        operationId: "getConnectivity",
        tags: ["targets"],
        summary: "Connectivity parameters of the card",
        description:
          "From the EIS and from updates that were carried out; a card cannot be asked. Passwords are not shown.",
        params: referenceParams,
        response: { 200: connectivityShape, ...problems },
      },
      config: { scope: "read" },
    },
    async ({ params }) => {
      const { smsr, profiles, unreadable } = await connectivity.show(params.ref);
      return { smsr: { ...smsr }, profiles: profiles.map((one) => ({ ...one })), unreadable: [...unreadable] };
    },
  );

  routes.put(
    "/v1/targets/:ref/connectivity",
    {
      schema: {
        operationId: "setConnectivity",
        tags: ["targets"],
        summary: "Change connectivity parameters of the card",
        description:
          "Jobs carry it: UpdateSMSRAddressingParameters to the ISD-R, UpdateConnectivityParameters through the operator's " +
          "security domain. Wrong values can put the card out of reach for good; old and new ones are logged.",
        params: referenceParams,
        body: ConnectivityShape,
        response: { 202: z.object({ jobs: z.array(jobShape) }).describe("Accepted"), ...problems },
      },
      config: { scope: "jobs" },
    },
    async ({ params, body, principal }, reply) => {
      const named = principal === undefined || principal.how === "socket" ? {} : { client: principal.client };
      const jobs = await connectivity.set(params.ref, body, { face: "api", ...named });
      return reply.code(202).send({ jobs: jobs.map((job) => mutable(shownJob(job))) });
    },
  );
}
