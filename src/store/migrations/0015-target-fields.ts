import type { Database } from "better-sqlite3";
import { cleanedTarget } from "../../gateway/targets/stored-target.ts";
import { fromJson, toJson } from "../json.ts";
import type { WrittenTarget } from "../sqlite/target-rows.ts";
import { aliases } from "../sqlite/targets.ts";

const pageSize = 200;

/**
 * Removes unknown fields, keys in clear among them, that older versions stored with targets, and reports them in
 * events: names of fields with counts, never values.
 */
export const targetFields = {
  name: "0015-target-fields",
  formerNames: ["0032-target-fields"],
  sql: `
CREATE INDEX IF NOT EXISTS key_set_psk_name ON key_set(upper(psk_identity)) WHERE psk_identity IS NOT NULL;
`,
  scrub: true,
  run(database: Database, now: number): Record<string, number> {
    const removed = new Map<string, number>();
    const page = database.prepare<[string, number], { id: string; body: string }>(
      "SELECT id, body FROM target WHERE id > ? ORDER BY id LIMIT ?",
    );
    for (let after = ""; ; ) {
      const rows = page.all(after, pageSize);
      for (const row of rows)
        for (const [field, count] of clean(database, row, now)) removed.set(field, (removed.get(field) ?? 0) + count);
      if (rows.length < pageSize) return Object.fromEntries(removed);
      after = rows.at(-1)?.id ?? "";
    }
  },
} as const;

function clean(
  database: Database,
  row: { readonly id: string; readonly body: string },
  now: number,
): ReadonlyMap<string, number> {
  const { body, found } = cleanedTarget(fromJson<Readonly<Record<string, unknown>>>(row.body));
  const text = toJson(body);
  if (text === row.body) return found;
  const target = fromJson<WrittenTarget>(text);
  const { name = null, eid = null, iccid = null, imsi = null, msisdn = null } = target;
  database
    .prepare("UPDATE target SET name = ?, eid = ?, iccid = ?, imsi = ?, msisdn = ?, body = ? WHERE id = ?")
    .run(name, eid, iccid, imsi, msisdn, text, row.id);
  database.prepare("DELETE FROM target_alias WHERE target = ?").run(row.id);
  const insert = database.prepare("INSERT INTO target_alias (alias, target, kind) VALUES (?, ?, ?)");
  for (const alias of aliases(target)) insert.run(alias.alias, alias.target, alias.kind);
  if (found.size > 0)
    database
      .prepare("INSERT INTO event (at, type, target, data) VALUES (?, 'target.cleaned', ?, ?)")
      .run(now, row.id, toJson({ removed: Object.fromEntries(found) }));
  return found;
}
