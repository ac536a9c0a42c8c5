import type { Kysely } from "kysely";
import type { AdminDialogRecord, AdminDialogRepository } from "../../gateway/admin-dialog.ts";
import { fromJson, toJson } from "../json.ts";
import type { Schema } from "../schema.ts";

/** One JSON record per target. */
export function adminDialogRepository(db: Kysely<Schema>): AdminDialogRepository {
  return {
    async get(target) {
      const row = await db.selectFrom("admin_dialog").select("body").where("target", "=", target).executeTakeFirst();
      return row && fromJson<AdminDialogRecord>(row.body);
    },
    async put(target, dialog) {
      const body = toJson(dialog);
      await db
        .insertInto("admin_dialog")
        .values({ target, body })
        .onConflict((conflict) => conflict.column("target").doUpdateSet({ body }))
        .execute();
    },
  };
}
