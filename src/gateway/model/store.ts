import type { GatewayError } from "../../base/gateway-error.ts";
import type { AdminDialogRepository } from "./admin-dialog.ts";
import type { ApiTokenRepository } from "./api-token.ts";
import type { AuditRepository } from "./audit-entry.ts";
import type { CampaignRepository } from "./campaign.ts";
import type { DownloadRepository } from "./download.ts";
import type { EventRepository } from "./event.ts";
import type { IdentifierRepository } from "./identifiers.ts";
import type { InboxRepository } from "./inbox.ts";
import type { JobRepository } from "./job.ts";
import type { KeySetRepository } from "./key-set.ts";
import type { NotificationRepository } from "./notification.ts";
import type { OutboxRepository } from "./outbox.ts";
import type { PacketRepository } from "./packet.ts";
import type { PendingSessionTriggerRepository } from "./pending-session-trigger.ts";
import type { ProfileSwitchRepository } from "./profile-switch.ts";
import type { RetentionRepository } from "./retention.ts";
import type { SmscRepository } from "./smsc-message.ts";
import type { TargetRepository } from "./target.ts";

/** All the repositories, seen from inside one unit of work. */
export interface Repositories {
  readonly targets: TargetRepository;
  readonly keySets: KeySetRepository;
  readonly jobs: JobRepository;
  readonly packets: PacketRepository;
  readonly inbox: InboxRepository;
  readonly notifications: NotificationRepository;
  readonly profileSwitches: ProfileSwitchRepository;
  readonly events: EventRepository;
  readonly adminDialogs: AdminDialogRepository;
  readonly sessionTriggers: PendingSessionTriggerRepository;
  readonly campaigns: CampaignRepository;
  readonly downloads: DownloadRepository;
  readonly smsc: SmscRepository;
  readonly tokens: ApiTokenRepository;
  readonly audit: AuditRepository;
  readonly outbox: OutboxRepository;
  readonly retention: RetentionRepository;
  readonly identifiers: IdentifierRepository;
}

/**
 * The durable store of the gateway. A unit of work sees and leaves a consistent state; it may be run together with
 * others (group commit), so it must await nothing but its repositories.
 */
export interface Store extends AsyncDisposable {
  /**
   * Resolves when the unit's changes are on disk; a unit that throws changes nothing. `committed` is called before that,
   * when the end of the process, but not a loss of power, can no longer undo them.
   */
  write<T>(unit: (repositories: Repositories) => Promise<T>, committed?: () => void): Promise<T>;
  /**
   * {@link write} for a change without a caller that waits: it shares the next commit, or has its own when no other comes within a few
   * milliseconds. Units of work run in the order in which they were given, regardless of how.
   */
  writeWithNext<T>(unit: (repositories: Repositories) => Promise<T>): Promise<T>;
  /** Whether anything can be stored now; costs no more than one commit a second. @throws store.* */
  check(): Promise<void>;
  /** Why the last write failed; undefined once a write succeeds. */
  readonly trouble: GatewayError | undefined;
  /** Reads what is durable; the unit runs again when a commit came in between. */
  read<T>(unit: (repositories: Repositories) => Promise<T>): Promise<T>;
  /** Called after a commit with the events it made durable, in order. */
  onEvents(listener: (events: readonly import("./event.ts").GatewayEvent[]) => void): () => void;
}

/** Encrypts the keys in the store. */
export interface Seal {
  seal(clear: Uint8Array, purpose: string): Uint8Array;
  /** @throws crypto.master-key */
  open(sealed: Uint8Array, purpose: string): Uint8Array;
}
