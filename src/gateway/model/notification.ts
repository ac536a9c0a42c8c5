import type { JobId, NotificationId, TargetId } from "../../base/id.ts";
import type { Aid } from "../../codec/euicc/aid.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
/** A notification of an eUICC (SGP.02 §4.1.1.11); repetitions belong to the same record. */
export interface NotificationRecord {
  readonly seq: number;
  readonly id: NotificationId;
  readonly target?: TargetId;
  readonly eid: Eid;
  /** 1 declaration, 2 profile change succeeded, 3 failed and rolled back, 5 after fall-back. */
  readonly type: number;
  /** Notification sequence number, 4 hexadecimal digits. */
  readonly sequence: string;
  /** AID of the profile enabled now. */
  readonly aid?: Aid;
  readonly imei?: string;
  readonly via: "sms" | "https";
  readonly link: string;
  /**
   * It is proven to come from the card that it names: by its CC, the PSK of its session, or the reader that holds the
   * card.
   */
  readonly verified: boolean;
  readonly copies: number;
  /** `withheld`: not confirmed on purpose. */
  readonly confirmation: "none" | "pending" | "confirmed" | "failed" | "withheld" | "upstream";
  readonly confirmJob?: JobId;
  /** Its TLV as received. */
  readonly raw: Uint8Array;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly confirmedAt?: number;
}

export interface NotificationRepository {
  insert(notification: Omit<NotificationRecord, "seq">): Promise<void>;
  patch(
    id: NotificationId,
    patch: Partial<Pick<NotificationRecord, "copies" | "confirmation" | "confirmJob" | "lastAt" | "confirmedAt">>,
  ): Promise<void>;
  get(id: NotificationId): Promise<NotificationRecord | undefined>;
  byConfirmJob(job: JobId): Promise<NotificationRecord | undefined>;
  /**
   * The newest record with the same octets and the same proof that counts in the same way (`none` does not count),
   * received since `since`.
   */
  copyOf(
    eid: Eid,
    raw: Uint8Array,
    how: { readonly verified: boolean; readonly counts: boolean },
    since: number,
  ): Promise<NotificationRecord | undefined>;
  list(target: TargetId | undefined, before: number | undefined, limit: number): Promise<NotificationRecord[]>;
}
