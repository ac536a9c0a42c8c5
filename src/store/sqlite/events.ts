import { type Kysely, sql } from "kysely";
import type { EventRepository, GatewayEvent } from "../../gateway/model/event.ts";
import { fromJson, toJson } from "../json.ts";
import { prepared } from "../prepared.ts";
import type { Schema } from "../schema.ts";

/** The event log; `onAppend` sees each new event with its number, before the commit. */
export function eventRepository(db: Kysely<Schema>, onAppend: (event: GatewayEvent) => void): EventRepository {
  const insert = prepared(db, (at: number, type: string, target: string | null, job: string | null, data: string) =>
    db.insertInto("event").values({ at, type, target, job, data }).returning("seq"),
  );
  // The table alone would not do: its newest events may be gone.
  const last = async () => {
    const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = 'event'`.execute(db);
    return rows[0]?.seq ?? 0;
  };
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
    last,
    async first() {
      const row = await db
        .selectFrom("event")
        .select((eb) => eb.fn.min("seq").as("seq"))
        .executeTakeFirst();
      return row?.seq ?? (await last()) + 1;
    },
  };
}
