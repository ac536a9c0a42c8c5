import { z } from "zod";
import { listOf } from "./kit/fields.ts";
import { operation } from "./kit/operation.ts";

/** `off`, or where a server listens. */
const listening = z.union([z.literal("off"), z.object({ host: z.string(), port: z.number().int() })]);

const daemonFacts = z.looseObject({
  pid: z.number().int().optional(),
  state: z.string().optional().describe("State folder"),
  node: z.string().optional().describe("Version of Node.js"),
  links: z.number().int().optional().describe("Number of links"),
  readers: z
    .union([z.literal("ok"), z.looseObject({ code: z.string(), message: z.string(), detail: z.looseObject({}) })])
    .optional()
    .describe("Why there are no card readers, if the service that provides them is unavailable"),
  api: listening.optional().describe("The API over TCP"),
  scp81: listening.optional().describe("The SCP81 server"),
  smppFace: z
    .union([z.literal("off"), z.number().int()])
    .optional()
    .describe("Port of the SMSC face"),
  smppClients: listOf(
    z.object({
      client: z.string().optional(),
      peer: z.string(),
      mode: z.string().optional(),
      tls: z.boolean().optional(),
      inFlight: z.number().int(),
    }),
  ).optional(),
});

/** The daemon itself. */
export const daemonOperations = {
  health: operation({
    route: "GET /healthz",
    scope: "public",
    operationId: "getHealth",
    example: { answer: { status: "ok" } },
    tags: ["health"],
    summary: "Check that the process runs",
    description: "Needs no token.",
    answers: { 200: z.object({ status: z.literal("ok") }) },
  }),

  readiness: operation({
    route: "GET /readyz",
    scope: "public",
    operationId: "getReadiness",
    example: { answer: { status: "ready" } },
    tags: ["health"],
    summary: "Check that the daemon accepts work",
    description: "The store accepts writes: a write succeeded within the last second. Needs no token.",
    answers: { 200: z.object({ status: z.literal("ready") }) },
  }),

  get: operation({
    route: "GET /v1",
    scope: "read",
    operationId: "getDaemon",
    example: {
      answer: {
        name: "otagate",
        version: "0.1.0",
        facts: {
          pid: 4711,
          state: "/var/lib/otagate",
          links: 3,
          readers: "ok",
          scp81: { host: "0.0.0.0", port: 8443 },
          smppFace: "off",
          smppClients: [],
        },
        jobs: { queued: 0, running: 1, waiting: 0, done: 340, failed: 2, expired: 0, cancelled: 0 },
      },
    },
    tags: ["health"],
    summary: "Show the status of the daemon",
    description: "Version, process facts, and the number of jobs by state.",
    answers: {
      200: z.object({
        name: z.string(),
        version: z.string(),
        facts: daemonFacts,
        jobs: z.record(z.string(), z.number()),
      }),
    },
  }),

  metrics: operation({
    route: "GET /metrics text",
    scope: "read",
    operationId: "getMetrics",
    example: { answer: 'otagate_jobs{state="done"} 340\n' },
    tags: ["health"],
    summary: "Get metrics for Prometheus",
    description: "Text format of Prometheus. Labels come from closed sets: never an EID.",
    mediaType: "text/plain",
    answers: { 200: z.string().describe("Metrics") },
  }),
};
