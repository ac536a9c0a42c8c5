import type { Kysely, Selectable } from "kysely";
import type { SmscConversation, SmscMessage, SmscOutboxItem, SmscRepository } from "../../gateway/smsc.ts";
import { fromJson, toJson } from "../json.ts";
import type { Schema } from "../schema.ts";

function messageOf(row: Selectable<Schema["smsc_message"]>): SmscMessage {
  return {
    id: row.id,
    client: row.client,
    job: row.job,
    target: row.target,
    source: fromJson<SmscMessage["source"]>(row.source),
    destination: fromJson<SmscMessage["destination"]>(row.destination),
    receipt: row.receipt as SmscMessage["receipt"],
    intermediate: row.intermediate !== 0,
    ...(row.user_reference === null ? {} : { userMessageReference: row.user_reference }),
    state: row.state as SmscMessage["state"],
    error: row.error,
    submittedAt: row.submitted_at,
    ...(row.final_at === null ? {} : { finalAt: row.final_at }),
  };
}

/** The SMSC face's messages, conversations and outbox. */
export function smscRepository(db: Kysely<Schema>): SmscRepository {
  return {
    async insertMessage(one) {
      await db
        .insertInto("smsc_message")
        .values({
          id: one.id,
          client: one.client,
          job: one.job,
          target: one.target,
          source: toJson(one.source),
          destination: toJson(one.destination),
          receipt: one.receipt,
          intermediate: one.intermediate ? 1 : 0,
          user_reference: one.userMessageReference ?? null,
          state: one.state,
          error: one.error,
          submitted_at: one.submittedAt,
          final_at: one.finalAt ?? null,
        })
        .execute();
    },
    async message(id) {
      const row = await db.selectFrom("smsc_message").selectAll().where("id", "=", id).executeTakeFirst();
      return row && messageOf(row);
    },
    async messageOfJob(job) {
      const row = await db.selectFrom("smsc_message").selectAll().where("job", "=", job).executeTakeFirst();
      return row && messageOf(row);
    },
    async openMessages(client, target) {
      const rows = await db
        .selectFrom("smsc_message")
        .selectAll()
        .where("client", "=", client)
        .where("target", "=", target)
        .where("final_at", "is", null)
        .orderBy("submitted_at")
        .execute();
      return rows.map(messageOf);
    },
    async settle(id, state, error, finalAt) {
      await db
        .updateTable("smsc_message")
        .set({ state, error, final_at: finalAt ?? null })
        .where("id", "=", id)
        .execute();
    },
    async putConversation(one) {
      const row = {
        target: one.target,
        client: one.client,
        ours: toJson(one.ours),
        theirs: toJson(one.theirs),
        at: one.at,
      };
      await db
        .insertInto("smsc_conversation")
        .values(row)
        .onConflict((conflict) => conflict.column("target").doUpdateSet(row))
        .execute();
    },
    async conversation(target) {
      const row = await db.selectFrom("smsc_conversation").selectAll().where("target", "=", target).executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        target,
        client: row.client,
        ours: fromJson<SmscConversation["ours"]>(row.ours),
        theirs: fromJson<SmscConversation["theirs"]>(row.theirs),
        at: row.at,
      };
    },
    async post(client, item, at) {
      await db
        .insertInto("smsc_outbox")
        .values({ id: item.id, client, body: toJson(item), at })
        .execute();
    },
    async pull(client, limit) {
      const rows = await db
        .selectFrom("smsc_outbox")
        .select("body")
        .where("client", "=", client)
        .orderBy("seq")
        .limit(limit)
        .execute();
      return rows.map((row) => fromJson<SmscOutboxItem>(row.body));
    },
    async drop(client, id) {
      const { numDeletedRows } = await db
        .deleteFrom("smsc_outbox")
        .where("client", "=", client)
        .where("id", "=", id)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}
