import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { GatewayEvent } from "../../../gateway/model/event.ts";
import { onFrame } from "../../../link/trace.ts";
import type { ApiDeps } from "../api-deps.ts";
import { smscMetrics } from "./smsc-metrics.ts";
import { storeMetrics } from "./store-metrics.ts";

/** The numbers of the daemon in Prometheus' text format. */
export interface ApiMetrics {
  readonly contentType: string;
  text(): Promise<string>;
}

const kinds = ["reader", "modem", "smsc"] as const;
const jobEnd = /^job\.(done|failed|expired|cancelled)$/;

/** Counts requests, frames and events; other values are read on request. Labels are closed sets. */
export function apiMetrics(app: FastifyInstance, deps: ApiDeps): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "otagate_" });
  requests(app, registers);
  states(deps, registers);
  sessions(deps, registers);
  upstreams(deps, registers);
  smscMetrics(deps, registers);
  storeMetrics(deps, registers);
  const off = [frames(registers), happenings(deps, registers)];
  app.addHook("onClose", async () => {
    for (const end of off) end();
    registry.clear();
  });
  return { contentType: registry.contentType, text: () => registry.metrics() };
}

function requests(app: FastifyInstance, registers: Registry[]): void {
  const seconds = new Histogram({
    name: "otagate_http_request_seconds",
    help: "Time from a request to the end of its answer",
    labelNames: ["operation", "status"],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers,
  });
  app.addHook("onResponse", async (request, reply) => {
    const operation = request.routeOptions.schema?.operationId ?? "none";
    seconds.observe({ operation, status: `${Math.floor(reply.statusCode / 100)}xx` }, reply.elapsedTime / 1000);
  });
}

function states(deps: ApiDeps, registers: Registry[]): void {
  new Gauge({
    name: "otagate_jobs",
    help: "Jobs in the store by state",
    labelNames: ["state"],
    registers,
    async collect() {
      const counts = await deps.gateway.jobs.counts();
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
    },
  });
  new Gauge({
    name: "otagate_links",
    help: "Links by kind, up or down",
    labelNames: ["kind", "up"],
    registers,
    collect() {
      const links = deps.gateway.links.list();
      for (const kind of kinds) {
        for (const up of [true, false])
          this.set({ kind, up: String(up) }, links.filter((link) => link.kind === kind && link.state.up === up).length);
      }
    },
  });
}

function sessions(deps: ApiDeps, registers: Registry[]): void {
  new Gauge({
    name: "otagate_scp81_sessions",
    help: "Open SCP81 sessions",
    registers,
    collect() {
      this.set(deps.sessions.server?.sessions().length ?? 0);
    },
  });
  const total = new Counter({
    name: "otagate_scp81_total",
    help: "Counters of the SCP81 server since its start",
    labelNames: ["what"],
    registers,
    collect() {
      total.reset();
      for (const [what, count] of Object.entries(deps.sessions.server?.stats ?? {})) total.inc({ what }, count);
    },
  });
}

function upstreams(deps: ApiDeps, registers: Registry[]): void {
  new Gauge({
    name: "otagate_upstream_events",
    help: "Events that wait for an upstream, and dead letters",
    labelNames: ["upstream", "state"],
    registers,
    async collect() {
      for (const { name, queued, dead } of await deps.upstreams.list()) {
        this.set({ upstream: name, state: "queued" }, queued);
        this.set({ upstream: name, state: "dead" }, dead);
      }
    },
  });
  const total = new Counter({
    name: "otagate_upstream_attempts_total",
    help: "Delivery attempts to upstreams since the start, by outcome",
    labelNames: ["upstream", "outcome"],
    registers,
    async collect() {
      const all = await deps.upstreams.list();
      total.reset();
      for (const { name, delivered, failures } of all) {
        total.inc({ upstream: name, outcome: "delivered" }, delivered);
        total.inc({ upstream: name, outcome: "failed" }, failures);
      }
    },
  });
}

/** Counts in memory and fills the counter when it is read: `inc` with labels costs as much as a small statement. */
function frames(registers: Registry[]): () => void {
  const counted = { in: new Map<string, number>(), out: new Map<string, number>() };
  const total = new Counter({
    name: "otagate_frames_total",
    help: "Frames exchanged",
    labelNames: ["kind", "dir"],
    registers,
    collect() {
      total.reset();
      for (const dir of ["in", "out"] as const)
        for (const [kind, frames] of counted[dir]) total.inc({ kind, dir }, frames);
    },
  });
  return onFrame(({ kind, dir }) => countOne(counted[dir], kind));
}

function countOne(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function happenings({ gateway: { events: log } }: ApiDeps, registers: Registry[]): () => void {
  const counted = new Map<string, number>();
  const events = new Counter({
    name: "otagate_events_total",
    help: "Durable events by type",
    labelNames: ["type"],
    registers,
    collect() {
      events.reset();
      for (const [type, count] of counted) events.inc({ type }, count);
    },
  });
  const seconds = new Histogram({
    name: "otagate_job_seconds",
    help: "Time from the acceptance of a job to its end",
    labelNames: ["state"],
    buckets: [0.1, 0.5, 2, 10, 30, 120, 600, 3600, 86_400],
    registers,
  });
  const queuedAt = new Map<string, number>();
  const take = ({ type, job, at }: GatewayEvent) => {
    countOne(counted, type);
    if (job === undefined) return;
    if (type === "job.queued") remember(queuedAt, job, at);
    const [, state] = jobEnd.exec(type) ?? [];
    const since = queuedAt.get(job);
    if (state === undefined || since === undefined) return;
    queuedAt.delete(job);
    seconds.observe({ state }, Math.max(0, at - since) / 1000);
  };
  return log.onCommit((batch) => batch.forEach(take));
}

/** Bounded: beyond 100,000 open jobs, the oldest are not measured. */
function remember(queuedAt: Map<string, number>, job: string, at: number): void {
  if (queuedAt.size >= 100_000) queuedAt.delete(queuedAt.keys().next().value ?? "");
  queuedAt.set(job, at);
}
