import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId } from "../../base/id.ts";
import type { ApiToken, Principal, Scope } from "../model/api-token.ts";
import type { Store } from "../model/store.ts";

/** Shortest time between two updates of a token's last use. */
const useGrainMs = 60_000;
const form = /^otg_([0-9a-z]{26})_([A-Za-z0-9_-]{43})$/;

/** API tokens: created once, displayed once, then checked against their hash. */
export class ApiTokens {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #listeners = new Set<(token: Pick<ApiToken, "id" | "name">) => void>();
  readonly #revoked = new Set<string>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * A new token, `otg_<id>_<256 random bits>`. Its text is not kept: this answer is the only copy.
   * @throws token.exists
   */
  async create(name: string, scopes: readonly Scope[], validMs?: number): Promise<{ token: ApiToken; text: string }> {
    const now = this.#clock.now();
    const id = newId("tok", now);
    const token: ApiToken = {
      id,
      name,
      scopes: [...new Set(scopes)],
      createdAt: now,
      ...(validMs === undefined ? {} : { expiresAt: now + validMs }),
    };
    const text = `otg_${id.slice("tok_".length)}_${randomBytes(32).toString("base64url")}`;
    await this.#store.write((r) => r.tokens.insert(token, hashOf(text)));
    return { token, text };
  }

  async list(after: string | undefined, limit: number): Promise<ApiToken[]> {
    return this.#store.read((r) => r.tokens.list(after, limit));
  }

  /** By id or name. @throws token.unknown */
  async revoke(idOrName: string): Promise<void> {
    const revoked = await this.#store.write((r) => r.tokens.revoke(idOrName, this.#clock.now()));
    if (revoked.length === 0)
      throw new GatewayError("token.unknown", `no valid token '${idOrName}'`, { detail: { token: idOrName } });
    for (const token of revoked) {
      this.#revoked.add(token.id);
      for (const listener of this.#listeners) listener(token);
    }
  }

  /** Whether a token was revoked since the start, which may happen while its request is being authenticated. */
  wasRevoked(id: string): boolean {
    return this.#revoked.has(id);
  }

  /** Calls the listener for each revoked token, once the revocation is durable. */
  onRevoked(listener: (token: Pick<ApiToken, "id" | "name">) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The owner of a token; undefined when the token is unknown, revoked or expired. */
  async authenticate(text: string): Promise<Principal | undefined> {
    const [, tail] = form.exec(text) ?? [];
    if (tail === undefined) return undefined;
    const found = await this.#store.read((r) => r.tokens.get(`tok_${tail}`));
    if (found === undefined || !timingSafeEqual(hashOf(text), found.hash)) return undefined;
    const now = this.#clock.now();
    const { token } = found;
    if (token.revokedAt !== undefined || (token.expiresAt !== undefined && token.expiresAt <= now)) return undefined;
    if (now - (token.lastUsedAt ?? 0) > useGrainMs)
      await this.#store.write((r) => r.tokens.used(token.id, now)).catch(() => {});
    const { id, name, scopes: held, expiresAt } = token;
    return { client: name, how: "token", scopes: held, token: id, ...withoutUndefined({ expiresAt }) };
  }
}

/** A token has 256 random bits: a plain hash is enough to keep it. */
function hashOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
