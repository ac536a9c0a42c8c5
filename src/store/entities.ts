import type { NewEvent } from "../gateway/model/event.ts";
import type { Repositories, Seal } from "../gateway/model/store.ts";
import { KeptKeySets } from "./kept-key-sets.ts";
import { KeptRows } from "./kept-rows.ts";
import type { Migration } from "./migration.ts";
import { earlierSteps } from "./migrations/all.ts";
import { adminDialogRepository } from "./sqlite/admin-dialogs.ts";
import { apiTokenRepository } from "./sqlite/api-tokens.ts";
import { auditRepository } from "./sqlite/audit.ts";
import { campaignRepository } from "./sqlite/campaigns.ts";
import { downloadRepository, downloadSteps } from "./sqlite/downloads.ts";
import { eventRepository } from "./sqlite/events.ts";
import { identifierRepository } from "./sqlite/identifiers.ts";
import { inboxRepository, inboxSteps } from "./sqlite/inbox.ts";
import { type BareJobs, jobRepository, jobSteps } from "./sqlite/jobs.ts";
import { keySetRepository } from "./sqlite/key-sets.ts";
import { notificationRepository } from "./sqlite/notifications.ts";
import { outboxRepository } from "./sqlite/outbox.ts";
import { packetRepository, packetSteps } from "./sqlite/packets.ts";
import { profileSwitchRepository } from "./sqlite/profile-switches.ts";
import { retentionRepository } from "./sqlite/retention.ts";
import { smscRepository, smscSteps } from "./sqlite/smsc.ts";
import { targetRepository } from "./sqlite/targets.ts";
import { pendingSessionTriggerRepository } from "./sqlite/wanted-sessions.ts";
import type { Statements } from "./statements.ts";

/** Changes of a unit that other components must be notified of. */
export interface Noted {
  readonly event: (event: NewEvent) => void;
  /** A key set's counter was set to this value. */
  readonly counter: (keySet: string, value: number) => void;
  /** The number of jobs that ended in this state changed by `jobs`; negative if records were removed. */
  readonly ended: (state: string, jobs: number) => void;
}

/** All repositories over one handle. */
export function repositories(s: Statements, seal: Seal, noted: Noted): Repositories {
  const bare: BareJobs = new KeptRows(s, 16 * 1024);
  const keys = new KeptKeySets(s);
  return {
    targets: targetRepository(s, seal, keys),
    keySets: keySetRepository(s, seal, keys, noted.counter),
    jobs: jobRepository(s, seal, noted.ended, bare),
    packets: packetRepository(s, seal, bare),
    inbox: inboxRepository(s, seal),
    notifications: notificationRepository(s),
    profileSwitches: profileSwitchRepository(s),
    events: eventRepository(s, noted.event),
    adminDialogs: adminDialogRepository(s, seal),
    sessionTriggers: pendingSessionTriggerRepository(s),
    campaigns: campaignRepository(s, seal),
    downloads: downloadRepository(s, seal),
    smsc: smscRepository(s, seal),
    tokens: apiTokenRepository(s),
    audit: auditRepository(s),
    outbox: outboxRepository(s),
    retention: retentionRepository(s, noted.ended),
    identifiers: identifierRepository(s),
  };
}

/** The migration of a store from any earlier version: the steps of all entities, by their numbers. */
export const migrations: readonly Migration[] = [
  ...earlierSteps,
  ...[...inboxSteps, ...jobSteps, ...packetSteps, ...smscSteps, ...downloadSteps].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  ),
];
