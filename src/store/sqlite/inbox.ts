import { type Generated, type Insertable, type Selectable, sql } from "kysely";
import type { TargetId } from "../../base/id.ts";
import type { InboxEntry, InboxRepository } from "../../gateway/model/inbox.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hiding, hidingIn } from "../hiding.ts";
import { fromJson } from "../json.ts";
import type { Migration } from "../migration.ts";
import { remembered, type Statements } from "../statements.ts";
import { stored } from "../stored.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface InboxTables {
  inbox: {
    seq: Generated<number>;
    id: string;
    link: string;
    target: string | null;
    /** Used by older versions; empty if the item is sealed. */
    item: string;
    /** Sealed: the item. */
    secret: Uint8Array | null;
    state: string;
    verdict: string | null;
    received_at: number;
  };
}

function entryIn(row: Selectable<InboxTables["inbox"]>, hiding: Hiding): InboxEntry {
  return {
    seq: row.seq,
    id: row.id,
    link: row.link,
    ...(row.target === null ? {} : { target: stored<TargetId>(row.target) }),
    item: hiding.open<InboxEntry["item"]>(row.id, row.secret) ?? fromJson<InboxEntry["item"]>(row.item),
    state: stored<InboxEntry["state"]>(row.state),
    ...(row.verdict === null ? {} : { verdict: row.verdict }),
    receivedAt: row.received_at,
  };
}

export const inboxSteps: readonly Migration[] = [
  { name: "0021-inbox-sealed", formerNames: ["0072-inbox-sealed"], sql: "ALTER TABLE inbox ADD COLUMN secret BLOB;" },
];

/** A literal, so that the partial index applies. */
const notDone = sql<boolean>`state <> 'done'`;

/** Received items, in order of arrival. */
export function inboxRepository(s: Statements, seal: Seal): InboxRepository {
  const db = s.tables<InboxTables>();
  const hiding = hidingIn("inbox", () => seal);
  const entryOf = (row: Selectable<InboxTables["inbox"]>) => entryIn(row, hiding);
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
      const { text, secret } = hiding.hide(entry.id, {}, entry.item);
      await add.run({
        id: entry.id,
        link: entry.link,
        target: entry.target ?? null,
        item: text,
        secret,
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
    async finish(ids, state, verdict) {
      for (const id of ids) await settle.run(id, state, verdict);
    },
    async list(before, limit) {
      let query = db.selectFrom("inbox").selectAll().orderBy("seq", "desc").limit(limit);
      if (before !== undefined) query = query.where("seq", "<", before);
      return (await s.all(query)).map(entryOf);
    },
  };
}
