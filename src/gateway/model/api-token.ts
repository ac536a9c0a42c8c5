/** What a client of the API may do: read, run jobs, manage targets, access cards directly, everything. */
export const scopes = ["read", "jobs", "targets", "cards", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** An API token as the store keeps it: never the token, only its SHA-256. */
export interface ApiToken {
  readonly id: string;
  /** Who uses it; names the client in jobs and in the audit log. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly lastUsedAt?: number;
  readonly revokedAt?: number;
}

export interface ApiTokenRepository {
  /** @throws token.exists when a token of this name is in use */
  insert(token: ApiToken, hash: Uint8Array): Promise<void>;
  /** The token with its hash, also if revoked or expired. */
  get(id: string): Promise<{ token: ApiToken; hash: Uint8Array } | undefined>;
  list(after: string | undefined, limit: number): Promise<ApiToken[]>;
  /** Revokes it permanently. Returns the tokens with this id or name that were valid. */
  revoke(idOrName: string, at: number): Promise<readonly Pick<ApiToken, "id" | "name">[]>;
  used(id: string, at: number): Promise<void>;
}

/** The client of a request, and its scopes. */
export interface Principal {
  readonly client: string;
  readonly how: "socket" | "token" | "certificate" | "upstream";
  /** Id of the token, and when it expires. */
  readonly token?: string;
  readonly expiresAt?: number;
  readonly scopes: readonly Scope[];
}

/**
 * Whether the scopes held allow an operation that requires `wanted`: `admin` includes every scope, and every scope
 * includes `read`.
 */
export function allows(held: readonly Scope[], wanted: Scope): boolean {
  return held.includes(wanted) || held.includes("admin") || (wanted === "read" && held.length > 0);
}
