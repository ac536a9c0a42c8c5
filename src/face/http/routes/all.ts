// Made by `npx tsx scripts/resources.ts`; do not edit.
import type { RoutePlugin } from "../route-plugin.ts";
import { auditRoutes } from "./audit.ts";
import { campaignRoutes } from "./campaigns.ts";
import { cardAuditRoutes } from "./card-audit.ts";
import { downloadRoutes } from "./downloads.ts";
import { eisRoutes } from "./eis.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { identifierRoutes } from "./identifiers.ts";
import { jobRoutes } from "./jobs.ts";
import { keyRoutes } from "./keys.ts";
import { linkTestRoutes } from "./link-test.ts";
import { linkRoutes } from "./links.ts";
import { notificationRoutes } from "./notifications.ts";
import { sessionRoutes } from "./sessions.ts";
import { storeRoutes } from "./store.ts";
import { switchRoutes } from "./switches.ts";
import { targetRoutes } from "./targets.ts";
import { tokenRoutes } from "./tokens.ts";
import { traceRoutes } from "./traces.ts";
import { upstreamRoutes } from "./upstreams.ts";

/** The handlers of all resources. */
export const allRoutes: readonly RoutePlugin[] = [
  auditRoutes,
  campaignRoutes,
  cardAuditRoutes,
  downloadRoutes,
  eisRoutes,
  eventRoutes,
  healthRoutes,
  identifierRoutes,
  jobRoutes,
  keyRoutes,
  linkTestRoutes,
  linkRoutes,
  notificationRoutes,
  sessionRoutes,
  storeRoutes,
  switchRoutes,
  targetRoutes,
  tokenRoutes,
  traceRoutes,
  upstreamRoutes,
];
