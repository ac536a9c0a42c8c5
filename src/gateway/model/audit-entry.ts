import type { Principal } from "./api-token.ts";

/** Who asked for what, and the outcome of it. Never bodies, never keys. */
export interface AuditEntry {
  readonly seq: number;
  readonly at: number;
  /** Name of the token, subject of the certificate, `local` over the control socket; absent for strangers. */
  readonly client?: string;
  readonly how?: Principal["how"];
  readonly remote?: string;
  /** Operation id of the API. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** HTTP status of the answer; absent when the daemon died before it. */
  readonly status?: number;
  /** Code of the error, if it ended in one. */
  readonly error?: string;
}

export interface AuditFilter {
  readonly client?: string;
  readonly operation?: string;
}

export interface AuditRepository {
  append(entry: Omit<AuditEntry, "seq">): Promise<number>;
  finish(seq: number, status: number, error: string | undefined): Promise<void>;
  /** Newest first, before the given seq. */
  list(filter: AuditFilter, before: number | undefined, limit: number): Promise<AuditEntry[]>;
}
