/** A notification of an eUICC (SGP.02 §4.1.1.11), once however often it was repeated. */
export interface NotificationRecord {
  readonly seq: number;
  readonly id: string;
  readonly target?: string;
  readonly eid: string;
  /** 1 declaration, 2 profile change succeeded, 3 failed and rolled back, 5 after fall-back. */
  readonly type: number;
  /** Notification sequence number, 4 hexadecimal digits. */
  readonly sequence: string;
  /** AID of the profile enabled now. */
  readonly aid?: string;
  readonly imei?: string;
  readonly via: "sms" | "https";
  readonly link: string;
  /** Its way proves the card that it names: its CC, the PSK of its session, or the reader that holds the card. */
  readonly verified: boolean;
  readonly copies: number;
  /** `withheld`: not confirmed on purpose. */
  readonly confirmation: "none" | "pending" | "confirmed" | "failed" | "withheld" | "upstream";
  readonly confirmJob?: string;
  readonly raw: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly confirmedAt?: number;
}

export interface NotificationRepository {
  insert(notification: Omit<NotificationRecord, "seq">): Promise<void>;
  patch(
    id: string,
    patch: Partial<Pick<NotificationRecord, "copies" | "confirmation" | "confirmJob" | "lastAt" | "confirmedAt">>,
  ): Promise<void>;
  get(id: string): Promise<NotificationRecord | undefined>;
  byConfirmJob(job: string): Promise<NotificationRecord | undefined>;
  /** The same octets, proven alike and counting alike (`none` does not), received since `since`: the newest. */
  copyOf(
    eid: string,
    raw: string,
    how: { readonly verified: boolean; readonly counts: boolean },
    since: number,
  ): Promise<NotificationRecord | undefined>;
  list(target: string | undefined, before: number | undefined, limit: number): Promise<NotificationRecord[]>;
}
