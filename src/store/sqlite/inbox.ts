import { type Generated, type Insertable, type Selectable, sql } from "kysely";
import type { InboxEntry, InboxRepository } from "../../gateway/model/inbox.ts";
import { fromJson, toJson } from "../json.ts";
import { remembered, type Statements } from "../statements.ts";

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
  const add = s.prepareRow((row: Insertable<InboxTables["inbox"]>) => db.insertInto("inbox").values(row));
  const byId = s.prepare((id: string) => db.selectFrom("inbox").selectAll().where("id", "=", id));
  const pending = remembered((limit: number) =>
    s.prepare(() =>
      db.selectFrom("inbox").selectAll().where(notDone).where(sql<boolean>`state = 'new'`).orderBy("seq").limit(limit),
    ),
  );
  const held = s.prepare((link: string, since: number) =>
    db
      .selectFrom("inbox")
      .selectAll()
      .where(notDone)
      .where(sql<boolean>`state = 'held'`)
      .where("link", "=", link)
      .where("received_at", ">=", since)
      .orderBy("seq"),
  );
  const settle = s.prepare((id: string, state: string, verdict: string) =>
    db.updateTable("inbox").set({ state, verdict }).where("id", "=", id),
  );
  return {
    async insert(entry) {
      await add.run({
        id: entry.id,
        link: entry.link,
        target: entry.target ?? null,
        item: toJson(entry.item),
        state: entry.state,
        verdict: entry.verdict ?? null,
        received_at: entry.receivedAt,
      });
    },
    async get(id) {
      const row = await byId.first(id);
      return row && entryOf(row);
    },
    async pending(limit) {
      return (await pending(limit).all()).map(entryOf);
    },
    async held(link, since) {
      return (await held.all(link, since)).map(entryOf);
    },
    async settle(ids, state, verdict) {
      for (const id of ids) await settle.run(id, state, verdict);
    },
    async list(before, limit) {
      let query = db.selectFrom("inbox").selectAll().orderBy("seq", "desc").limit(limit);
      if (before !== undefined) query = query.where("seq", "<", before);
      return (await s.all(query)).map(entryOf);
    },
  };
}
