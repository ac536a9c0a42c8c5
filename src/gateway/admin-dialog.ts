import type { AdminRecord } from "../link/scp81/admin-store.ts";
import type { CommandResult } from "./job.ts";

/** Where the dialog with one target's administration agent stands; what {@link AdminRecord} leaves to us besides. */
export interface AdminDialogRecord {
  readonly record: AdminRecord;
  /** A job whose script goes in several parts: what is left of it, and what its first parts answered. */
  readonly split?: {
    readonly job: string;
    /** Bodies not yet handed out, hexadecimal. */
    readonly left: readonly string[];
    readonly results: readonly CommandResult[];
  };
  /** Secure channel that each application (AID, or "" for the ISD-R) last began. */
  readonly channels: Readonly<Record<string, string>>;
  /** Secure channels that a broken link ended, the latest last: nothing of them is sent any more. */
  readonly lostChannels?: readonly string[];
  /** Until when an upstream has announced more; the session is held open. */
  readonly moreUntil: number;
}

export interface AdminDialogRepository {
  get(target: string): Promise<AdminDialogRecord | undefined>;
  put(target: string, dialog: AdminDialogRecord): Promise<void>;
}
