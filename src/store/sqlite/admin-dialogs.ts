import { withoutUndefined } from "../../base/defined.ts";
import { fromHex } from "../../base/hex.ts";
import { type OctetText, octetText } from "../../base/octet-text.ts";
import {
  type AdminDialogRecord,
  type AdminDialogRepository,
  holdsSecrets,
  type JobParts,
} from "../../gateway/model/admin-dialog.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hidden, type Hiding, hidingIn } from "../hiding.ts";
import { fromJson } from "../json.ts";
import { KeptRows } from "../kept-rows.ts";
import { readCommands } from "../octet-rows.ts";
import type { Statements } from "../statements.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface AdminDialogTables {
  /** The whole record: in `body` if nothing in it is secret, otherwise sealed in `secret`. */
  admin_dialog: { target: string; body: string; secret: Uint8Array | null };
}

/** Earlier versions wrote the parts themselves in place of their number. */
type WrittenParts = OctetText<Omit<JobParts, "limit" | "remaining">> & Partial<Pick<JobParts, "limit" | "remaining">>;
type Split = NonNullable<AdminDialogRecord["split"]>;

/** A dialog as a row has it: the octets of its parts are text. */
type WrittenDialog = Omit<AdminDialogRecord, "parts" | "split"> & {
  readonly parts?: Readonly<Record<string, WrittenParts>>;
  readonly split?: OctetText<Split>;
};

function writtenDialog({ parts, split, ...dialog }: AdminDialogRecord): WrittenDialog {
  return { ...dialog, ...withoutUndefined({ parts: octetText(parts), split: octetText(split) }) };
}

function readDialog({ parts, split, ...dialog }: WrittenDialog): AdminDialogRecord {
  const read = Object.entries(parts ?? {}).map(([job, one]) => [job, readParts(one)] as const);
  return {
    ...dialog,
    ...(parts === undefined ? {} : { parts: Object.fromEntries(read) }),
    ...(split === undefined
      ? {}
      : { split: { ...split, left: split.left.map(fromHex), results: readCommands(split.results) } }),
  };
}

function readParts(written: WrittenParts): JobParts {
  const { left: texts, results, data, limit = 0, remaining = texts?.length ?? 0, ...others } = written;
  const left = texts?.map(fromHex);
  return {
    ...others,
    limit,
    remaining,
    ...withoutUndefined({ left }),
    results: readCommands(results),
    data: fromHex(data),
  };
}

/** A dialog in its stored form, sealed as a whole. */
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
        row && readDialog(hiding.open<WrittenDialog>(target, row.secret) ?? fromJson<WrittenDialog>(row.body));
      kept.set(target, dialog);
      return dialog;
    },
    async put(target, dialog) {
      const written = writtenDialog(dialog);
      const { text, secret } = holdsSecrets(dialog)
        ? hiddenDialog(hiding, target, written)
        : hiding.hide(target, written, undefined);
      await put.run(target, text, secret);
      kept.set(target, dialog);
    },
  };
}
