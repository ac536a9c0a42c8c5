import type { FastifyInstance } from "fastify";
import type { ApiTokens } from "../../gateway/access/api-tokens.ts";
import type { Campaigns } from "../../gateway/campaign/campaigns.ts";
import type { CardAudits } from "../../gateway/eis/card-audits.ts";
import type { ConnectivityParameters } from "../../gateway/eis/connectivity-parameters.ts";
import type { EisRecords } from "../../gateway/eis/eis-records.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import type { CardLeases } from "../../gateway/links/card-leases.ts";
import type { Pruner } from "../../gateway/retention/pruner.ts";
import type { Targets } from "../../gateway/targets/targets.ts";
import type { UpstreamControl } from "../../gateway/upstream/control.ts";
import type { Log } from "../../link/driver.ts";
import type { Scp81Server } from "../../link/scp81/server.ts";
import type { CertificateGrant } from "./access.ts";
import type { StreamLimits } from "./open-streams.ts";
import type { TraceLog } from "./trace-log.ts";

/** What the API needs of the SCP81 side. */
export interface SessionControl {
  readonly server: Scp81Server | undefined;
  readonly address: { readonly host: string; readonly port: number } | undefined;
}

/** What the API's handlers call. */
export interface ApiDeps {
  readonly gateway: Gateway;
  readonly targets: Targets;
  readonly campaigns: Campaigns;
  readonly audits: CardAudits;
  readonly connectivity: ConnectivityParameters;
  readonly eis: EisRecords;
  readonly leases: CardLeases;
  readonly tokens: ApiTokens;
  readonly certificates: readonly CertificateGrant[];
  readonly traces: TraceLog;
  readonly sessions: SessionControl;
  readonly upstreams: UpstreamControl;
  readonly pruner: Pruner;
  readonly streams: StreamLimits;
  readonly log: Log;
  readonly version: string;
  /** The OpenAPI document, JSON. */
  readonly document: () => Promise<string>;
  /** Called with the API before its routes are added; absent: nothing. */
  readonly prepare?: ((api: FastifyInstance) => Promise<void>) | undefined;
  /** Facts about the daemon for `GET /v1` (never secrets). */
  readonly about: () => Readonly<Record<string, unknown>>;
}
