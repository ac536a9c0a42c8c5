import type { Kysely } from "kysely";
import type { EventRepository, GatewayEvent } from "../../gateway/event.ts";
import { fromJson, toJson } from "../json.ts";
import { prepared } from "../prepared.ts";
import type { Schema } from "../schema.ts";

/** The event log; `onAppend` sees each new event with its number, before the commit. */
export function eventRepository(db: Kysely<Schema>, onAppend: (event: GatewayEvent) => void): EventRepository {
  const insert = prepared(db, (at: number, type: string, target: string | null, job: string | null, data: string) =>
    db.insertInto("event").values({ at, type, target, job, data }).returning("seq"),
  );
  return {
    async append(event) {
      const { at, type, target = null, job = null, data } = event;
      const [{ seq } = { seq: 0 }] = await insert(at, type, target, job, toJson(data));
      onAppend({ ...event, seq });
      return seq;
    },
    async after(seq, limit) {
      const rows = await db
        .selectFrom("event")
        .selectAll()
        .where("seq", ">", seq)
        .orderBy("seq")
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        seq: row.seq,
        at: row.at,
        type: row.type,
        ...(row.target === null ? {} : { target: row.target }),
        ...(row.job === null ? {} : { job: row.job }),
        data: fromJson<Record<string, unknown>>(row.data),
      }));
    },
    async last() {
      const row = await db
        .selectFrom("event")
        .select((eb) => eb.fn.max("seq").as("seq"))
        .executeTakeFirst();
      return row?.seq ?? 0;
    },
  };
}
