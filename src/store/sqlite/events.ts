import type { Database } from "better-sqlite3";
import type { Generated } from "kysely";
import type { JobId, TargetId } from "../../base/id.ts";
import type { EventRepository, GatewayEvent, NewEvent } from "../../gateway/model/event.ts";
import { currentEventName } from "../../gateway/model/event-catalogue.ts";
import { fromJson, toJson } from "../json.ts";
import { remembered, type Statements } from "../statements.ts";
import { stored } from "../stored.ts";

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

/** Events in one statement at most. */
const maxRows = 64;

/**
 * Writes the events of a commit with few statements, and returns them with their numbers. They are numbered here and not
 * by SQLite, so that several rows of one statement have theirs in order.
 */
export function eventWriter(database: Database): (events: readonly NewEvent[]) => GatewayEvent[] {
  const newest = database.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'event'");
  const insert = remembered((rows: number) =>
    database.prepare(
      `INSERT INTO event (seq, at, type, target, job, data) VALUES ${Array(rows).fill("(?, ?, ?, ?, ?, ?)").join(", ")}`,
    ),
  );
  return (events) => {
    if (events.length === 0) return [];
    const before = newest.get()?.seq ?? 0;
    const numbered = events.map((event, index) => ({ ...event, seq: before + 1 + index }));
    for (let at = 0; at < numbered.length; ) {
      // Powers of two, so that few statements do for all numbers.
      const rows = Math.min(2 ** Math.floor(Math.log2(numbered.length - at)), maxRows);
      const values: unknown[] = [];
      for (const { seq, at: when, type, target = null, job = null, data } of numbered.slice(at, at + rows))
        values.push(seq, when, type, target, job, toJson(data));
      insert(rows).run(values);
      at += rows;
    }
    return numbered;
  };
}

/** The event log; `onAppend` takes each new event, which is written with the commit by {@link eventWriter}. */
export function eventRepository(s: Statements, onAppend: (event: NewEvent) => void): EventRepository {
  const db = s.tables<EventTables>();
  // The table alone is not sufficient: its newest events may have been removed.
  const newest = s.text<{ seq: number }>("select seq from sqlite_sequence where name = 'event'");
  const last = async () => {
    return (await newest.all({}))[0]?.seq ?? 0;
  };
  return {
    async append(event) {
      onAppend(event);
    },
    async after(seq, limit) {
      const rows = await s.all(db.selectFrom("event").selectAll().where("seq", ">", seq).orderBy("seq").limit(limit));
      return rows.map((row) => ({
        seq: row.seq,
        at: row.at,
        type: currentEventName(row.type),
        ...(row.target === null ? {} : { target: stored<TargetId>(row.target) }),
        ...(row.job === null ? {} : { job: stored<JobId>(row.job) }),
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
