// Made by `npx tsx scripts/resources.ts`; do not edit.
import type { auditOperations } from "./audit.ts";
import type { campaignOperations } from "./campaigns.ts";
import type { cardOperations } from "./cards.ts";
import type { daemonOperations } from "./daemon.ts";
import type { downloadOperations } from "./downloads.ts";
import type { eisOperations } from "./eis.ts";
import type { eventOperations } from "./events.ts";
import type { identifierOperations } from "./identifiers.ts";
import type { jobOperations } from "./jobs.ts";
import type { keySetOperations } from "./key-sets.ts";
import type { Operation } from "./kit/operation.ts";
import type { linkOperations } from "./links.ts";
import type { messageOperations } from "./messages.ts";
import type { notificationOperations } from "./notifications.ts";
import type { sessionOperations } from "./sessions.ts";
import type { storeOperations } from "./store.ts";
import type { switchOperations } from "./switches.ts";
import type { targetOperations } from "./targets.ts";
import type { tokenOperations } from "./tokens.ts";
import type { traceOperations } from "./traces.ts";
import type { upstreamOperations } from "./upstreams.ts";

/** The resources of /v1 and their operations. */
export interface Contract {
  readonly audit: typeof auditOperations;
  readonly campaigns: typeof campaignOperations;
  readonly cards: typeof cardOperations;
  readonly daemon: typeof daemonOperations;
  readonly downloads: typeof downloadOperations;
  readonly eis: typeof eisOperations;
  readonly events: typeof eventOperations;
  readonly identifiers: typeof identifierOperations;
  readonly jobs: typeof jobOperations;
  readonly keySets: typeof keySetOperations;
  readonly links: typeof linkOperations;
  readonly messages: typeof messageOperations;
  readonly notifications: typeof notificationOperations;
  readonly sessions: typeof sessionOperations;
  readonly store: typeof storeOperations;
  readonly switches: typeof switchOperations;
  readonly targets: typeof targetOperations;
  readonly tokens: typeof tokenOperations;
  readonly traces: typeof traceOperations;
  readonly upstreams: typeof upstreamOperations;
}

type RoutesOf<Operations> = {
  readonly [Name in keyof Operations]: Operations[Name] extends Operation ? Operations[Name]["route"] : never;
};

/**
 * The routes of the contract for clients, which must not load the schema library; the compiler compares each with the
 * operation that declares it.
 */
export const routes: { readonly [Resource in keyof Contract]: RoutesOf<Contract[Resource]> } = {
  audit: {
    list: "GET /v1/audit",
  },
  campaigns: {
    start: "POST /v1/campaigns",
    list: "GET /v1/campaigns",
    get: "GET /v1/campaigns/:id",
    items: "GET /v1/campaigns/:id/items",
    report: "GET /v1/campaigns/:id/report text",
    pause: "POST /v1/campaigns/:id/pause",
    resume: "POST /v1/campaigns/:id/resume",
    cancel: "POST /v1/campaigns/:id/cancel",
  },
  cards: {
    audit: "POST /v1/targets/:ref/audit",
    connectivity: "GET /v1/targets/:ref/connectivity",
    setConnectivity: "PUT /v1/targets/:ref/connectivity",
  },
  daemon: {
    health: "GET /healthz",
    readiness: "GET /readyz",
    get: "GET /v1",
    metrics: "GET /metrics text",
  },
  downloads: {
    start: "POST /v1/downloads",
    plan: "POST /v1/downloads/plan",
    list: "GET /v1/downloads",
    get: "GET /v1/downloads/:id",
    cancel: "POST /v1/downloads/:id/cancel",
  },
  eis: {
    export: "GET /v1/targets/:ref/export text",
    certificates: "POST /v1/targets/:ref/certificates",
  },
  events: {
    list: "GET /v1/events/log",
    stream: "GET /v1/events events",
  },
  identifiers: {
    find: "GET /v1/identifiers",
  },
  jobs: {
    submit: "POST /v1/jobs",
    list: "GET /v1/jobs",
    get: "GET /v1/jobs/:id",
    cancel: "POST /v1/jobs/:id/cancel",
  },
  keySets: {
    list: "GET /v1/targets/:ref/keys",
    put: "PUT /v1/targets/:ref/keys",
    remove: "DELETE /v1/targets/:ref/keys/:keySet",
  },
  links: {
    test: "POST /v1/links/:id/test",
    list: "GET /v1/links",
    get: "GET /v1/links/:id",
    openLease: "POST /v1/links/:id/lease",
    closeLease: "DELETE /v1/links/:id/lease/:lease",
    exchange: "POST /v1/links/:id/apdu",
    reset: "POST /v1/links/:id/reset",
    powerCycle: "POST /v1/links/:id/power",
    sendAt: "POST /v1/links/:id/at",
    sendText: "POST /v1/links/:id/sms",
  },
  messages: {
    list: "GET /v1/messages",
  },
  notifications: {
    list: "GET /v1/notifications",
    get: "GET /v1/notifications/:id",
    confirm: "POST /v1/notifications/:id/confirm",
    withhold: "POST /v1/notifications/:id/withhold",
  },
  sessions: {
    list: "GET /v1/sessions",
    get: "GET /v1/sessions/:id",
    cut: "DELETE /v1/sessions/:id",
    trigger: "POST /v1/targets/:ref/trigger",
  },
  store: {
    get: "GET /v1/store",
    prune: "POST /v1/store/prunes",
    getPrune: "GET /v1/store/prunes/:run",
  },
  switches: {
    list: "GET /v1/switches",
    listOld: "GET /v1/procedures",
    get: "GET /v1/switches/:id",
    getOld: "GET /v1/procedures/:id",
  },
  targets: {
    list: "GET /v1/targets",
    import: "POST /v1/targets",
    importAll: "POST /v1/targets/import",
    get: "GET /v1/targets/:ref",
    change: "PATCH /v1/targets/:ref",
    remove: "DELETE /v1/targets/:ref",
  },
  tokens: {
    create: "POST /v1/tokens",
    list: "GET /v1/tokens",
    revoke: "DELETE /v1/tokens/:token",
  },
  traces: {
    list: "GET /v1/traces lines",
    live: "GET /v1/traces/live lines",
  },
  upstreams: {
    list: "GET /v1/upstreams",
    deadLetters: "GET /v1/upstreams/:name/dead",
    replay: "POST /v1/upstreams/:name/dead/replay",
    discard: "POST /v1/upstreams/:name/dead/discard",
  },
};
