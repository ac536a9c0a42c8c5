import type { Kysely } from "kysely";
import type { WantedSessionRepository } from "../../gateway/model/pending-session-trigger.ts";
import type { Schema } from "../schema.ts";

/** A row per target; few at any time. */
export function wantedSessionRepository(db: Kysely<Schema>): WantedSessionRepository {
  return {
    async put(wanted) {
      const { since, until } = wanted;
      await db
        .insertInto("wanted_session")
        .values(wanted)
        .onConflict((conflict) => conflict.column("target").doUpdateSet({ since, until }))
        .execute();
    },
    async remove(target) {
      await db.deleteFrom("wanted_session").where("target", "=", target).execute();
    },
    async list() {
      return db.selectFrom("wanted_session").selectAll().execute();
    },
  };
}
