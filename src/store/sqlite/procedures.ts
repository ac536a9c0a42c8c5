import { type Kysely, sql } from "kysely";
import type { ProfileSwitch, ProfileSwitchRepository } from "../../gateway/model/profile-switch.ts";
import { fromJson, toJson } from "../json.ts";
import { prepared } from "../prepared.ts";
import type { Schema } from "../schema.ts";

/** Profile switches as JSON, found by target or by the job that started them. */
export function profileSwitchRepository(db: Kysely<Schema>): ProfileSwitchRepository {
  const latest = prepared(db, (target: string) =>
    db
      .selectFrom("procedure")
      .select("body")
      .where("target", "=", target)
      .orderBy("accepted_at", "desc")
      // Later rows of the same millisecond first, in the order of the index: without a sort.
      .orderBy(sql`rowid`, "desc")
      .limit(1),
  );
  return {
    async put(procedure) {
      const row = {
        id: procedure.id,
        target: procedure.target,
        job: procedure.job,
        body: toJson(procedure),
        accepted_at: procedure.acceptedAt,
        state: procedure.at,
      };
      await db
        .insertInto("procedure")
        .values(row)
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ body: row.body, state: row.state }))
        .execute();
    },
    async latest(target) {
      const [row] = await latest(target);
      return row && fromJson<ProfileSwitch>(row.body);
    },
    async open() {
      const rows = await db
        .selectFrom("procedure")
        .select("body")
        .where(sql<boolean>`state in ('accepted', 'switched')`)
        .execute();
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
      return (await query.execute()).map((row) => fromJson<ProfileSwitch>(row.body));
    },
    async get(id) {
      const row = await db.selectFrom("procedure").select("body").where("id", "=", id).executeTakeFirst();
      return row && fromJson<ProfileSwitch>(row.body);
    },
    async ofJob(job) {
      const row = await db.selectFrom("procedure").select("body").where("job", "=", job).executeTakeFirst();
      return row && fromJson<ProfileSwitch>(row.body);
    },
  };
}
