import type { FastifyInstance } from "fastify";
import type { Gateway } from "../../gateway/gateway.ts";
import type { UpstreamControl } from "../../gateway/upstream/control.ts";
import type { Log } from "../../link/driver.ts";
import type { Scp81Server } from "../../link/scp81/server.ts";
import type { CertificateGrant } from "./access.ts";
import type { StreamLimits } from "./open-streams.ts";
import type { TraceLog } from "./trace-log.ts";

/** Functions of SCP81 that the API needs. */
interface SessionControl {
  readonly server: Scp81Server | undefined;
  readonly address: { readonly host: string; readonly port: number } | undefined;
}

/** Dependencies of the API's handlers. */
export interface ApiDeps {
  readonly gateway: Gateway;
  /** Number of items that wait for clients of the SMSC face, by client. */
  readonly smscDepths: () => Promise<Readonly<Record<string, number>>>;
  readonly certificates: readonly CertificateGrant[];
  readonly traces: TraceLog;
  readonly sessions: SessionControl;
  readonly upstreams: UpstreamControl;
  readonly streams: StreamLimits;
  readonly log: Log;
  readonly version: string;
  /** The OpenAPI document, JSON. */
  readonly document: () => Promise<string>;
  /** Called with the API before its routes are added. */
  readonly prepare?: ((api: FastifyInstance) => Promise<void>) | undefined;
  /** Facts about the daemon for `GET /v1` (never secrets). */
  readonly about: () => Readonly<Record<string, unknown>>;
}
