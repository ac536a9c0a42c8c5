import type { Kysely } from "kysely";
import type { AdminDialogRecord, AdminDialogRepository } from "../../gateway/admin-dialog.ts";
import { fromJson, toJson } from "../json.ts";
import { prepared } from "../prepared.ts";
import type { Schema } from "../schema.ts";

/** One JSON record per target. */
export function adminDialogRepository(db: Kysely<Schema>): AdminDialogRepository {
  const byTarget = prepared(db, (target: string) =>
    db.selectFrom("admin_dialog").select("body").where("target", "=", target),
  );
  const put = prepared(db, (target: string, body: string) =>
    db
      .insertInto("admin_dialog")
      .values({ target, body })
      .onConflict((conflict) => conflict.column("target").doUpdateSet({ body })),
  );
  return {
    async get(target) {
      const [row] = await byTarget(target);
      return row && fromJson<AdminDialogRecord>(row.body);
    },
    async put(target, dialog) {
      await put(target, toJson(dialog));
    },
  };
}
