import type { Selectable } from "kysely";
import { GatewayError } from "../../base/gateway-error.ts";
import { type ApiToken, type ApiTokenRepository, scopes } from "../../gateway/model/api-token.ts";
import type { Statements } from "../statements.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface ApiTokenTables {
  api_token: {
    id: string;
    name: string;
    hash: Uint8Array;
    scopes: string;
    created_at: number;
    expires_at: number | null;
    last_used_at: number | null;
    revoked_at: number | null;
  };
}

function tokenOf(row: Omit<Selectable<ApiTokenTables["api_token"]>, "hash">): ApiToken {
  const held = row.scopes.split(",");
  return {
    id: row.id,
    name: row.name,
    scopes: scopes.filter((scope) => held.includes(scope)),
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}

/** API tokens by their hash. */
export function apiTokenRepository(s: Statements): ApiTokenRepository {
  const db = s.tables<ApiTokenTables>();
  return {
    async insert(token, hash) {
      const taken = await s.first(
        db.selectFrom("api_token").select("id").where("name", "=", token.name).where("revoked_at", "is", null),
      );
      if (taken !== undefined)
        throw new GatewayError("token.exists", `a valid token has the name '${token.name}'`, {
          detail: { field: "name" },
        });
      await s.run(
        db.insertInto("api_token").values({
          id: token.id,
          name: token.name,
          hash,
          scopes: token.scopes.join(","),
          created_at: token.createdAt,
          expires_at: token.expiresAt ?? null,
          last_used_at: null,
          revoked_at: null,
        }),
      );
    },
    async get(id) {
      const row = await s.first(db.selectFrom("api_token").selectAll().where("id", "=", id));
      return row && { token: tokenOf(row), hash: row.hash };
    },
    async list(after, limit) {
      let query = db.selectFrom("api_token").selectAll().orderBy("id").limit(limit);
      if (after !== undefined) query = query.where("id", ">", after);
      return (await s.all(query)).map(tokenOf);
    },
    async revoke(idOrName, at) {
      const query = db
        .updateTable("api_token")
        .set({ revoked_at: at })
        .where("revoked_at", "is", null)
        .where((eb) => eb.or([eb("id", "=", idOrName), eb("name", "=", idOrName)]))
        .returning(["id", "name"]);
      return [...(await s.all(query))];
    },
    async used(id, at) {
      await s.run(db.updateTable("api_token").set({ last_used_at: at }).where("id", "=", id));
    },
  };
}
