import type { Kysely } from "kysely";
import type { GatewayEvent } from "../gateway/model/event.ts";
import type { Repositories, Seal } from "../gateway/model/store.ts";
import type { Schema } from "./schema.ts";
import { adminDialogRepository } from "./sqlite/admin-dialogs.ts";
import { apiTokenRepository } from "./sqlite/api-tokens.ts";
import { auditRepository } from "./sqlite/audit.ts";
import { campaignRepository } from "./sqlite/campaigns.ts";
import { eventRepository } from "./sqlite/events.ts";
import { identifierRepository } from "./sqlite/identifiers.ts";
import { inboxRepository } from "./sqlite/inbox.ts";
import { jobRepository } from "./sqlite/jobs.ts";
import { keySetRepository } from "./sqlite/key-sets.ts";
import { notificationRepository } from "./sqlite/notifications.ts";
import { outboxRepository } from "./sqlite/outbox.ts";
import { packetRepository } from "./sqlite/packets.ts";
import { profileSwitchRepository } from "./sqlite/procedures.ts";
import { retentionRepository } from "./sqlite/retention.ts";
import { smscRepository } from "./sqlite/smsc.ts";
import { targetRepository } from "./sqlite/targets.ts";
import { wantedSessionRepository } from "./sqlite/wanted-sessions.ts";

/** What a unit did that others have to know of. */
export interface Noted {
  readonly event: (event: GatewayEvent) => void;
  /** A key set's counter has this value now. */
  readonly counter: (keySet: string, value: number) => void;
}

/** All repositories over one handle. */
export function repositories(db: Kysely<Schema>, seal: Seal, noted: Noted): Repositories {
  return {
    targets: targetRepository(db, seal),
    keySets: keySetRepository(db, seal, noted.counter),
    jobs: jobRepository(db, seal),
    packets: packetRepository(db, seal),
    inbox: inboxRepository(db),
    notifications: notificationRepository(db),
    profileSwitches: profileSwitchRepository(db),
    events: eventRepository(db, noted.event),
    adminDialogs: adminDialogRepository(db, seal),
    wantedSessions: wantedSessionRepository(db),
    campaigns: campaignRepository(db, seal),
    smsc: smscRepository(db),
    tokens: apiTokenRepository(db),
    audit: auditRepository(db),
    outbox: outboxRepository(db),
    retention: retentionRepository(db),
    identifiers: identifierRepository(db),
  };
}
