import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { type JobId, type NotificationId, newId, type TargetId } from "../../base/id.ts";
import {
  looksLikeNotification,
  Notification,
  notificationImei,
  notificationTypeText,
  sequenceText,
} from "../../codec/euicc/notification.ts";
import { decode } from "../../codec/kit/codec.ts";
import type { FeedJob } from "../jobs/feed-job.ts";
import { cancelJobIn } from "../jobs/stop-job.ts";
import { unknownRecord } from "../model/identifiers.ts";
import type { ReassembledMessage } from "../model/inbox.ts";
import type { NotificationRecord } from "../model/notification.ts";
import type { NotificationMode } from "../model/notification-mode.ts";
import { stepProfileSwitch } from "../model/profile-switch.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { openNotificationPacket } from "../scp80/secured-packet.ts";
import { recoverSwitch } from "../switches/recover-switch.ts";
import { withEnabled } from "../targets/eis.ts";
import { saveTarget } from "../targets/target-lookup.ts";

/** A message that may be a notification, and its origin. */
interface NotificationArrival {
  readonly link: string;
  /** The target with the sender's number; any sender can use that number. */
  readonly target: TargetId | undefined;
  /** The target whose card is in the reader that brought the message. */
  readonly card: TargetId | undefined;
  readonly whole: ReassembledMessage;
  readonly receivedAt: number;
  /** The message was also delivered to a client that manages the card and confirms its notifications. */
  readonly relayed: boolean;
  /** Requests a look at the target's queue after the commit. */
  readonly wake: (target: TargetId) => void;
}

/** A decoded notification, received by SMS or HTTPS. */
interface ReceivedNotification {
  readonly value: Notification;
  readonly raw: Uint8Array;
  /**
   * The target whose card is proven to have sent it: by CC, by the PSK of the session, or by the reader that holds the
   * card. It affects that target only.
   */
  readonly proven: TargetId | undefined;
  /** The counter of its packet was used before: it is a copy or a replay. */
  readonly stale?: boolean;
  /** Its octets can be replayed: a CC proves it, and neither a session nor a reader does. */
  readonly repeatable?: boolean;
  /** It has no security whose check could have failed. */
  readonly unsecured: boolean;
  readonly via: "sms" | "https";
  readonly link: string;
  readonly receivedAt: number;
  readonly relayed?: boolean;
}

/** The result of a notification. */
interface RecordedNotification {
  readonly words: string;
  /** It changes, or may change, stored facts about the card. */
  readonly counts: boolean;
}

/** Queues the confirmation of a notification inside the unit of work; returns the job's id. */
export type QueueConfirmation = (
  r: Repositories,
  target: Target,
  notification: NotificationRecord,
  at: number,
) => Promise<JobId>;

/** What {@link Notifications} needs. */
interface NotificationsDeps {
  readonly queueConfirmation: QueueConfirmation;
  /** Default for targets without a notification mode of their own. */
  readonly defaultMode: NotificationMode;
  readonly store: Store;
  readonly clock: Clock;
  readonly feed: FeedJob;
  readonly kick: (target: TargetId) => void;
}

/** Outside an open profile switch, the same notification received again after this time is a new one. */
const copyWindowMs = 10 * 60_000;

/**
 * Receives notifications of eUICCs: each is processed once however often it is repeated, confirmed every time (the card
 * may have missed the answer), and applied to the EIS and to its profile switch.
 */
export class Notifications {
  readonly #deps: NotificationsDeps;

  constructor(deps: NotificationsDeps) {
    this.#deps = deps;
  }

  /** Newest first, of one target or of all, before the given seq. */
  async list(target: TargetId | undefined, before: number | undefined, limit: number): Promise<NotificationRecord[]> {
    return this.#deps.store.read((r) => r.notifications.list(target, before, limit));
  }

  /** @throws notification.unknown */
  async show(id: NotificationId): Promise<NotificationRecord> {
    return this.#deps.store.read((r) => requireNotification(r, id));
  }

  /**
   * Confirms a notification that waits for the decision of the upstream (relay), was withheld, or was not confirmed.
   * @throws notification.unknown, notification.state when it is confirmed already, or no target has its EID
   */
  async confirm(id: NotificationId): Promise<NotificationRecord> {
    const { store, clock, kick } = this.#deps;
    const at = clock.now();
    const changed = await store.write(async (r) => {
      const record = await requireNotification(r, id);
      if (isConfirmed(record)) throw stateError(`notification ${record.id} is already confirmed`, record);
      const target = record.target === undefined ? undefined : await r.targets.get(record.target);
      if (target === undefined)
        throw new GatewayError("notification.state", "no target has this EID: it cannot be confirmed", {
          detail: { notification: id, eid: record.eid },
        });
      await this.#confirm(r, target, { ...record, confirmation: "pending" }, at, kick);
      return requireNotification(r, id);
    });
    if (changed.target !== undefined) kick(changed.target);
    return changed;
  }

  /**
   * Leaves a notification unconfirmed, so that the card rolls back. @throws notification.unknown, notification.state
   * when its confirmation is on the way or done
   */
  async withhold(id: NotificationId): Promise<NotificationRecord> {
    const { store, clock } = this.#deps;
    return store.write(async (r) => {
      const record = await requireNotification(r, id);
      const open = record.confirmJob === undefined ? undefined : await r.jobs.get(record.confirmJob);
      const stop = { unsentOnly: true, why: "the confirmation is withheld" };
      const left =
        isConfirmed(record) ||
        (open !== undefined && (await cancelJobIn(this.#deps.feed, r, open.id, clock.now(), stop)) === "sent");
      if (left) throw stateError(`the confirmation of notification ${record.id} was already sent`, record);
      await r.notifications.patch(id, { confirmation: "withheld" });
      await r.events.append({
        at: clock.now(),
        type: "notification.withheld",
        ...withoutUndefined({ target: record.target }),
        data: { notification: id, type: record.type, sequence: record.sequence },
      });
      return requireNotification(r, id);
    });
  }

  /**
   * Processes a message if it is a notification, and returns a description of it; undefined if it is something else.
   */
  async take(r: Repositories, arrival: NotificationArrival): Promise<string | undefined> {
    const { whole } = arrival;
    if (whole.security === "response") return undefined;
    const opened =
      whole.security === "command"
        ? await openNotificationPacket(r, arrival.card ?? arrival.target, whole)
        : { data: whole.body, unsecured: true };
    if (opened === undefined || !looksLikeNotification(opened.data)) return undefined;
    const { data: raw, provenBy, counted, unsecured } = { provenBy: undefined, counted: undefined, ...opened };
    const stale = counted !== undefined && !(await r.keySets.acceptCounter(counted.keySet, counted.cntr));
    // The notification comes from the reader that holds the card, so it has the card's present state.
    const byPacket = provenBy !== undefined && provenBy !== arrival.card;
    const received = {
      value: decode(Notification, raw),
      raw,
      proven: provenBy ?? arrival.card,
      unsecured,
      stale: byPacket && stale,
      repeatable: byPacket && counted === undefined,
      via: "sms" as const,
      link: arrival.link,
      receivedAt: arrival.receivedAt,
      relayed: arrival.relayed,
    };
    return (await this.record(r, received, arrival.wake)).words;
  }

  /**
   * Processes a decoded notification; returns what it is, as text, and whether it counts. Without proof of the card
   * that it names it is displayed and changes nothing, unless its target's settings accept cards without security.
   */
  async record(
    r: Repositories,
    received: ReceivedNotification,
    wake: (target: TargetId) => void,
  ): Promise<RecordedNotification> {
    const { value, raw, receivedAt } = received;
    const text = notificationTypeText(value.type);
    const target = await r.targets.holding("eid", value.eid);
    const proven = target !== undefined && received.proven === target.id;
    const stale = received.stale === true;
    const doubtful = proven && (stale || received.repeatable === true);
    const first = doubtful
      ? await r.notifications.copyOf(value.eid, raw, { verified: true, counts: true }, 0)
      : undefined;
    if (proven && first !== undefined) return this.#again(r, target, first, receivedAt, wake);
    const verified = proven && !stale;
    const counts = verified || (received.unsecured && target?.settings.unsecuredNotifications === "accept");
    if (target !== undefined && counts) await recoverSwitch(r, target, value, receivedAt);
    const profileSwitch = target === undefined ? undefined : await r.profileSwitches.latest(target.id);
    const open = profileSwitch !== undefined && (profileSwitch.at === "accepted" || profileSwitch.at === "switched");
    const since = open ? profileSwitch.acceptedAt : receivedAt - copyWindowMs;
    const sequence = sequenceText(value.sequence);
    const copy = await r.notifications.copyOf(value.eid, raw, { verified, counts }, since);
    if (copy !== undefined) {
      await r.notifications.patch(copy.id, { copies: copy.copies + 1, lastAt: receivedAt });
      if (target !== undefined && counts)
        await this.#confirm(r, target, { ...copy, copies: copy.copies + 1 }, receivedAt, wake);
      return { words: `notification ${sequence} again: ${text}`, counts };
    }
    const imei = notificationImei(value);
    // A switch that is reported after its validity period must roll back: it is not confirmed (SGP.02 §3.2).
    const lapsed =
      open && value.type === 2 && ((await r.jobs.get(profileSwitch.job))?.validUntil ?? receivedAt) < receivedAt;
    const mode = lapsed
      ? "withhold"
      : received.relayed === true
        ? "relay"
        : (target?.settings.notifications ?? this.#deps.defaultMode);
    const record: Omit<NotificationRecord, "seq"> = {
      id: newId("ntf", receivedAt),
      ...withoutUndefined({ target: target?.id }),
      eid: value.eid,
      type: value.type,
      sequence,
      ...withoutUndefined({ aid: value.isdP, imei }),
      via: received.via,
      link: received.link,
      verified,
      copies: 1,
      confirmation: !counts ? "none" : confirmationBy[mode],
      raw,
      firstAt: receivedAt,
      lastAt: receivedAt,
    };
    await r.notifications.insert(record);
    await r.events.append({
      at: receivedAt,
      type: "notification.received",
      ...withoutUndefined({ target: target?.id }),
      data: {
        notification: record.id,
        eid: record.eid,
        type: record.type,
        text,
        sequence,
        aid: record.aid,
        via: record.via,
        verified: record.verified,
        confirmation: record.confirmation,
      },
    });
    if (target === undefined) return { words: `notification of an unknown EID: ${text}`, counts };
    if (!counts)
      return { words: `notification ${sequence} without proof of its card, changes nothing: ${text}`, counts };
    await this.#takeIntoEis(r, target, value, receivedAt);
    await this.#confirm(r, target, { ...record, seq: 0 }, receivedAt, wake);
    return { words: `notification ${sequence}: ${text}`, counts };
  }

  /**
   * The same packet again, from the card or a replay: it changes nothing. The last confirmation is repeated, as the
   * card may have missed it.
   */
  async #again(
    r: Repositories,
    target: Target,
    first: NotificationRecord,
    at: number,
    wake: (target: TargetId) => void,
  ): Promise<RecordedNotification> {
    const copies = first.copies + 1;
    await r.notifications.patch(first.id, { copies, lastAt: at });
    const latest = (await r.notifications.list(target.id, undefined, 100)).find((one) => one.confirmation !== "none");
    if (latest?.id === first.id) await this.#confirm(r, target, { ...first, copies }, at, wake);
    const text = notificationTypeText(first.type);
    return { words: `packet of notification ${first.sequence} again, changes nothing: ${text}`, counts: false };
  }

  async #takeIntoEis(r: Repositories, target: Target, value: Notification, at: number): Promise<void> {
    const profileSwitch = await r.profileSwitches.latest(target.id);
    if (profileSwitch !== undefined) {
      const named = withoutUndefined({ isdP: value.isdP });
      const next = stepProfileSwitch(profileSwitch, { kind: "notified", type: value.type, ...named, at });
      if (next !== profileSwitch) {
        await r.profileSwitches.put(next);
        await r.events.append({
          at,
          type: next.at === "rolled-back" ? "switch.rolled-back" : "switch.switched",
          target: target.id,
          job: next.job,
          data: { aid: value.isdP, tookMs: at - next.acceptedAt },
        });
      }
    }
    if (value.isdP === undefined || ![2, 3, 5].includes(value.type)) return;
    const changed = withEnabled(target, value.isdP);
    if (changed !== target) await saveTarget(r, changed, at, `notification: ${notificationTypeText(value.type)}`);
  }

  /** One confirmation at a time; a copy received after the last one ended is confirmed again. */
  async #confirm(
    r: Repositories,
    target: Target,
    record: NotificationRecord,
    at: number,
    wake: (target: TargetId) => void,
  ): Promise<void> {
    if (record.confirmation !== "pending" && record.confirmation !== "confirmed" && record.confirmation !== "failed")
      return;
    if (record.confirmJob !== undefined) {
      const before = await r.jobs.get(record.confirmJob);
      if (before !== undefined && before.endedAt === undefined) return;
    }
    const confirmJob = await this.#deps.queueConfirmation(r, target, record, at);
    await r.notifications.patch(record.id, { confirmJob, confirmation: "pending" });
    wake(target.id);
  }
}

/** The card acknowledged a confirmation, even if a repetition of it failed later. */
function isConfirmed(record: NotificationRecord): boolean {
  return record.confirmation === "confirmed" || record.confirmedAt !== undefined;
}

function stateError(message: string, { id, confirmation }: NotificationRecord): GatewayError {
  return new GatewayError("notification.state", message, { detail: { notification: id, confirmation } });
}

const confirmationBy = { local: "pending", relay: "upstream", withhold: "withheld" } as const;

async function requireNotification(r: Repositories, id: NotificationId): Promise<NotificationRecord> {
  const record = await r.notifications.get(id);
  if (record === undefined) throw unknownRecord("ntf", id);
  return record;
}
