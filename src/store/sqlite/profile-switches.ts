import { sql } from "kysely";
import type { ProfileSwitch, ProfileSwitchRepository } from "../../gateway/model/profile-switch.ts";
import { fromJson, toJson } from "../json.ts";
import { KeptRows } from "../kept-rows.ts";
import type { Statements } from "../statements.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface ProfileSwitchTables {
  procedure: {
    id: string;
    target: string;
    job: string;
    body: string;
    accepted_at: number;
    state: string;
  };
}

/**
 * Profile switches as JSON, found by target or by the job that started them. The latest one of a target is never
 * removed.
 */
export function profileSwitchRepository(s: Statements): ProfileSwitchRepository {
  const db = s.tables<ProfileSwitchTables>();
  const latest = s.prepare((target: string) =>
    db
      .selectFrom("procedure")
      .select("body")
      .where("target", "=", target)
      .orderBy("accepted_at", "desc")
      // Later rows of the same millisecond first, in the order of the index, so that no sort is needed.
      .orderBy(sql`rowid`, "desc")
      .limit(1),
  );
  const kept = new KeptRows<ProfileSwitch | undefined>(s);
  return {
    async put(procedure) {
      kept.delete(procedure.target);
      const row = {
        id: procedure.id,
        target: procedure.target,
        job: procedure.job,
        body: toJson(procedure),
        accepted_at: procedure.acceptedAt,
        state: procedure.at,
      };
      await s.run(
        db
          .insertInto("procedure")
          .values(row)
          .onConflict((conflict) => conflict.column("id").doUpdateSet({ body: row.body, state: row.state })),
      );
    },
    async latest(target) {
      const known = kept.get(target);
      if (known !== undefined) return known.value;
      const row = await latest.first(target);
      const found = row && fromJson<ProfileSwitch>(row.body);
      kept.set(target, found);
      return found;
    },
    async open() {
      const rows = await s.all(
        db.selectFrom("procedure").select("body").where(sql<boolean>`state in ('accepted', 'switched')`),
      );
      return rows.map((row) => fromJson<ProfileSwitch>(row.body));
    },
    async list(target, before, limit) {
      let query = db
        .selectFrom("procedure")
        .select("body")
        .orderBy("accepted_at", "desc")
        .orderBy("id", "desc")
        .limit(limit);
      if (target !== undefined) query = query.where("target", "=", target);
      if (before !== undefined) query = query.where("accepted_at", "<", before);
      return (await s.all(query)).map((row) => fromJson<ProfileSwitch>(row.body));
    },
    async get(id) {
      const row = await s.first(db.selectFrom("procedure").select("body").where("id", "=", id));
      return row && fromJson<ProfileSwitch>(row.body);
    },
    async ofJob(job) {
      const row = await s.first(db.selectFrom("procedure").select("body").where("job", "=", job));
      return row && fromJson<ProfileSwitch>(row.body);
    },
  };
}
