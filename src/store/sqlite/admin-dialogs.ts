import type { AdminDialogRecord, AdminDialogRepository } from "../../gateway/model/admin-dialog.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hidden, type Hiding, hidingIn } from "../hiding.ts";
import { fromJson } from "../json.ts";
import { KeptRows } from "../kept-rows.ts";
import type { Statements } from "../statements.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface AdminDialogTables {
  /** The whole record sealed, since it contains scripts under way. `body` was used by older versions. */
  admin_dialog: { target: string; body: string; secret: Uint8Array | null };
}

/** A dialog in its stored form: sealed as a whole, since it contains scripts under way. */
export function hiddenDialog(hiding: Hiding, target: string, dialog: unknown): Hidden {
  return hiding.hide(target, {}, dialog);
}

/** One record per target. */
export function adminDialogRepository(s: Statements, seal: Seal): AdminDialogRepository {
  const db = s.tables<AdminDialogTables>();
  const hiding = hidingIn("admin_dialog", () => seal);
  const byTarget = s.prepare((target: string) =>
    db.selectFrom("admin_dialog").select(["body", "secret"]).where("target", "=", target),
  );
  const put = s.prepare((target: string, body: string, secret: Uint8Array | null) =>
    db
      .insertInto("admin_dialog")
      .values({ target, body, secret })
      .onConflict((conflict) => conflict.column("target").doUpdateSet({ body, secret })),
  );
  const kept = new KeptRows<AdminDialogRecord | undefined>(s);
  return {
    async get(target) {
      const known = kept.get(target);
      if (known !== undefined) return known.value;
      const row = await byTarget.first(target);
      const dialog =
        row && (hiding.open<AdminDialogRecord>(target, row.secret) ?? fromJson<AdminDialogRecord>(row.body));
      kept.set(target, dialog);
      return dialog;
    },
    async put(target, dialog) {
      const { text, secret } = hiddenDialog(hiding, target, dialog);
      await put.run(target, text, secret);
      kept.set(target, dialog);
    },
  };
}
