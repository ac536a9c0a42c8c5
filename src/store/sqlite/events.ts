import type { Generated } from "kysely";
import type { EventRepository, GatewayEvent } from "../../gateway/model/event.ts";
import { currentEventName } from "../../gateway/model/event-catalogue.ts";
import { fromJson, toJson } from "../json.ts";
import type { Statements } from "../statements.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface EventTables {
  event: {
    seq: Generated<number>;
    at: number;
    type: string;
    target: string | null;
    job: string | null;
    data: string;
  };
}

/** The event log; `onAppend` sees each new event with its number, before the commit. */
export function eventRepository(s: Statements, onAppend: (event: GatewayEvent) => void): EventRepository {
  const db = s.tables<EventTables>();
  const insert = s.prepare((at: number, type: string, target: string | null, job: string | null, data: string) =>
    db.insertInto("event").values({ at, type, target, job, data }).returning("seq"),
  );
  // The table alone is not sufficient: its newest events may have been removed.
  const newest = s.text<{ seq: number }>("select seq from sqlite_sequence where name = 'event'");
  const last = async () => {
    return (await newest.all({}))[0]?.seq ?? 0;
  };
  return {
    async append(event) {
      const { at, type, target = null, job = null, data } = event;
      const { seq } = await insert.one(at, type, target, job, toJson(data));
      onAppend({ ...event, seq });
      return seq;
    },
    async after(seq, limit) {
      const rows = await s.all(db.selectFrom("event").selectAll().where("seq", ">", seq).orderBy("seq").limit(limit));
      return rows.map((row) => ({
        seq: row.seq,
        at: row.at,
        type: currentEventName(row.type),
        ...(row.target === null ? {} : { target: row.target }),
        ...(row.job === null ? {} : { job: row.job }),
        data: fromJson<Record<string, unknown>>(row.data),
      }));
    },
    last,
    async first() {
      const row = await s.first(db.selectFrom("event").select((eb) => eb.fn.min("seq").as("seq")));
      return row?.seq ?? (await last()) + 1;
    },
  };
}
