import { type Generated, type Selectable, sql } from "kysely";
import type { InboxEntry, InboxRepository } from "../../gateway/model/inbox.ts";
import { fromJson, toJson } from "../json.ts";
import type { Statements } from "../statements.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
export interface InboxTables {
  inbox: {
    seq: Generated<number>;
    id: string;
    link: string;
    target: string | null;
    item: string;
    state: string;
    verdict: string | null;
    received_at: number;
  };
}

function entryOf(row: Selectable<InboxTables["inbox"]>): InboxEntry {
  return {
    seq: row.seq,
    id: row.id,
    link: row.link,
    ...(row.target === null ? {} : { target: row.target }),
    item: fromJson<InboxEntry["item"]>(row.item),
    state: row.state as InboxEntry["state"],
    ...(row.verdict === null ? {} : { verdict: row.verdict }),
    receivedAt: row.received_at,
  };
}

/** A literal, so that the partial index applies. */
const notDone = sql<boolean>`state <> 'done'`;

/** What links brought in, in order of arrival. */
export function inboxRepository(s: Statements): InboxRepository {
  const db = s.tables<InboxTables>();
  return {
    async insert(entry) {
      await s.run(
        db.insertInto("inbox").values({
          id: entry.id,
          link: entry.link,
          target: entry.target ?? null,
          item: toJson(entry.item),
          state: entry.state,
          verdict: entry.verdict ?? null,
          received_at: entry.receivedAt,
        }),
      );
    },
    async get(id) {
      const row = await s.first(db.selectFrom("inbox").selectAll().where("id", "=", id));
      return row && entryOf(row);
    },
    async pending(limit) {
      return (
        await s.all(
          db.selectFrom("inbox").selectAll().where(notDone).where("state", "=", "new").orderBy("seq").limit(limit),
        )
      ).map(entryOf);
    },
    async held(link, since) {
      const rows = await s.all(
        db
          .selectFrom("inbox")
          .selectAll()
          .where(notDone)
          .where("state", "=", "held")
          .where("link", "=", link)
          .where("received_at", ">=", since)
          .orderBy("seq"),
      );
      return rows.map(entryOf);
    },
    async settle(ids, state, verdict) {
      if (ids.length > 0) await s.run(db.updateTable("inbox").set({ state, verdict }).where("id", "in", ids));
    },
    async list(before, limit) {
      let query = db.selectFrom("inbox").selectAll().orderBy("seq", "desc").limit(limit);
      if (before !== undefined) query = query.where("seq", "<", before);
      return (await s.all(query)).map(entryOf);
    },
  };
}
