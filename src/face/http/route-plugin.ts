import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "./api-deps.ts";
import type { ApiMetrics } from "./metrics/metrics.ts";
import type { OpenStreams } from "./open-streams.ts";

/** What the handlers of a resource may use. */
interface RouteParts {
  readonly deps: ApiDeps;
  readonly streams: OpenStreams;
  readonly metrics: ApiMetrics;
}

/** Adds the routes of one resource with their handlers. Each takes the parts that it needs. */
export type RoutePlugin = (app: FastifyInstance, parts: RouteParts) => Promise<void>;
