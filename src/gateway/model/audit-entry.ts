import type { Principal } from "./api-token.ts";

/** One API request: client, operation and outcome. Never bodies, never keys. */
export interface AuditEntry {
  readonly seq: number;
  readonly at: number;
  /**
   * Name of the token, subject of the certificate, `local` over the control socket; absent for unauthenticated clients.
   */
  readonly client?: string;
  readonly how?: Principal["how"];
  readonly remote?: string;
  /** Operation id of the API. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** HTTP status of the answer; absent if the daemon was killed before it answered. */
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
