import { isRecordId, type JobId } from "../../base/id.ts";
import { showScript } from "../../codec/secrets/script-secrets.ts";
import type { AdminRecord } from "../../link/scp81/admin-store.ts";
import type { CommandResult } from "./job.ts";

/** A secure channel that has ended: none of its scripts is sent until a script begins a channel of this name again. */
export interface LostChannel {
  readonly name: string;
  /** When it was lost. */
  readonly at: number;
  /** The cause, as text. */
  readonly why: string;
}

/**
 * A job whose script is sent in parts: the position in it, and the answers to the first ones. The parts are in the
 * job's work only.
 */
export interface JobParts {
  /** By what the work is cut, octets; 0 = each command is a part. */
  readonly limit: number;
  /** Parts that the card has not answered; the first one may be under way. */
  readonly remaining: number;
  /** How earlier versions kept these parts; their number then is `remaining`. */
  readonly left?: readonly Uint8Array[];
  /** Parts that were answered. */
  readonly answered: number;
  /** Commands in these parts, counted from the script and from the card's answers. */
  readonly commands: number;
  readonly ran: number;
  readonly results: readonly CommandResult[];
  /** Their answers unchanged. */
  readonly data: Uint8Array;
  /** The next part is sent again: the answer of an earlier try is lost. */
  readonly again?: boolean;
}

/** The state of the session with one target's administration agent, in addition to {@link AdminRecord}. */
export interface AdminDialogRecord {
  readonly record: AdminRecord;
  /** By job. */
  readonly parts?: Readonly<Record<JobId, JobParts>>;
  /** How earlier versions kept the parts of a job; read, never written. */
  readonly split?: {
    readonly job: JobId;
    /** Bodies not yet handed out. */
    readonly left: readonly Uint8Array[];
    readonly results: readonly CommandResult[];
  };
  /** Secure channel that each application (AID, or "" for the ISD-R) last began. */
  readonly channels: Readonly<Record<string, string>>;
  /** Secure channels that ended, the latest last. */
  readonly lost?: readonly LostChannel[];
  /** Until when an upstream has announced more; the session is held open. */
  readonly moreUntil: number;
}

export const freshDialog: AdminDialogRecord = { record: {}, channels: {}, moreUntil: 0 };

/** The parts of a job that was sent in parts, in the present or the earlier stored form. */
export function partsOf(dialog: AdminDialogRecord, job: JobId): JobParts | undefined {
  const { parts, split, record } = dialog;
  const now = parts?.[job];
  if (now !== undefined || split === undefined || split.job !== job) return now;
  const { outstanding } = record;
  const open = outstanding?.script.id.startsWith(`${job}.`) === true ? [outstanding.script.body] : [];
  const ran = split.results.length;
  const left = [...open, ...split.left];
  return {
    limit: 0,
    remaining: left.length,
    left,
    answered: ran,
    commands: ran,
    ran,
    results: split.results,
    data: new Uint8Array(0),
  };
}

/** Jobs of which parts are stored. */
export function jobsInParts({ parts }: AdminDialogRecord): readonly JobId[] {
  return Object.keys(parts ?? {}).filter((id) => isRecordId("job", id));
}

/** The dialog with the parts of a job replaced or removed. */
export function withParts(dialog: AdminDialogRecord, job: JobId, parts: JobParts | undefined): AdminDialogRecord {
  const { [job]: _, ...others } = dialog.parts ?? {};
  const { split, parts: __, ...rest } = dialog;
  const now = parts === undefined ? others : { ...others, [job]: parts };
  return {
    ...rest,
    ...(split === undefined || split.job === job ? {} : { split }),
    ...(Object.keys(now).length === 0 ? {} : { parts: now }),
  };
}

/** Whether a dialog contains secrets: a script with keys or PINs, or answers of the card, which may contain keys. */
export function holdsSecrets({ record, parts, split }: AdminDialogRecord): boolean {
  if (parts !== undefined || split !== undefined) return true;
  return record.outstanding !== undefined && showScript(record.outstanding.script.body).hidden;
}

export interface AdminDialogRepository {
  /** By the target of its PSK; if an upstream supplied the PSK, that is any text. */
  get(target: string): Promise<AdminDialogRecord | undefined>;
  put(target: string, dialog: AdminDialogRecord): Promise<void>;
}
