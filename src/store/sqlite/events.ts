import type { Kysely } from "kysely";
import type { EventRepository, GatewayEvent } from "../../gateway/event.ts";
import { fromJson, toJson } from "../json.ts";
import type { Schema } from "../schema.ts";

/** The event log; `onAppend` sees each new event with its number, before the commit. */
export function eventRepository(db: Kysely<Schema>, onAppend: (event: GatewayEvent) => void): EventRepository {
  return {
    async append(event) {
      const { seq } = await db
        .insertInto("event")
        .values({
          at: event.at,
          type: event.type,
          target: event.target ?? null,
          job: event.job ?? null,
          data: toJson(event.data),
        })
        .returning("seq")
        .executeTakeFirstOrThrow();
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
