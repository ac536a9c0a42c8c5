import { type Generated, type Selectable, sql } from "kysely";
import type { OutboxEntry, OutboxRepository } from "../../gateway/model/outbox.ts";
import type { Statements } from "../statements.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
interface OutboxTables {
  instance: { id: string };
  upstream_cursor: { upstream: string; seq: number };
  upstream_outbox: {
    seq: Generated<number>;
    id: string;
    upstream: string;
    lane: string;
    type: string;
    body: string;
    attempts: number;
    not_before: number;
    created_at: number;
    error: string | null;
    dead_at: number | null;
  };
}

function entryOf(row: Selectable<OutboxTables["upstream_outbox"]>): OutboxEntry {
  return {
    seq: row.seq,
    id: row.id,
    upstream: row.upstream,
    lane: row.lane,
    type: row.type,
    body: row.body,
    attempts: row.attempts,
    notBefore: row.not_before,
    createdAt: row.created_at,
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.dead_at === null ? {} : { deadAt: row.dead_at }),
  };
}

/** Literals, so that the partial indices apply. */
const alive = sql<boolean>`dead_at IS NULL`;
const buried = sql<boolean>`dead_at IS NOT NULL`;

/** Events to be delivered to upstreams, in order. */
export function outboxRepository(s: Statements): OutboxRepository {
  const db = s.tables<OutboxTables>();
  return {
    async instance() {
      return (await s.one(db.selectFrom("instance").select("id"))).id;
    },
    async cursor(upstream) {
      const row = await s.first(db.selectFrom("upstream_cursor").select("seq").where("upstream", "=", upstream));
      return row?.seq;
    },
    async moveCursor(upstream, seq) {
      await s.run(
        db
          .insertInto("upstream_cursor")
          .values({ upstream, seq })
          .onConflict((conflict) => conflict.column("upstream").doUpdateSet({ seq })),
      );
    },
    async insert(entry) {
      await s.run(
        db
          .insertInto("upstream_outbox")
          .values({
            id: entry.id,
            upstream: entry.upstream,
            lane: entry.lane,
            type: entry.type,
            body: entry.body,
            attempts: 0,
            not_before: entry.notBefore,
            created_at: entry.createdAt,
            error: null,
            dead_at: null,
          })
          .onConflict((conflict) => conflict.columns(["upstream", "id"]).doNothing()),
      );
    },
    async lanes(upstream) {
      const rows = await s.all(
        db.selectFrom("upstream_outbox").select("lane").distinct().where("upstream", "=", upstream).where(alive),
      );
      return rows.map((row) => row.lane);
    },
    async head(upstream, lane) {
      const row = await s.first(
        db
          .selectFrom("upstream_outbox")
          .selectAll()
          .where("upstream", "=", upstream)
          .where("lane", "=", lane)
          .where(alive)
          .orderBy("seq")
          .limit(1),
      );
      return row && entryOf(row);
    },
    async delivered(seq) {
      await s.run(db.deleteFrom("upstream_outbox").where("seq", "=", seq));
    },
    async retry(seq, attempts, notBefore, error) {
      await s.run(
        db.updateTable("upstream_outbox").set({ attempts, not_before: notBefore, error }).where("seq", "=", seq),
      );
    },
    async bury(seq, attempts, at, error) {
      await s.run(db.updateTable("upstream_outbox").set({ attempts, dead_at: at, error }).where("seq", "=", seq));
    },
    async dead(upstream, after, limit) {
      const rows = await s.all(
        db
          .selectFrom("upstream_outbox")
          .selectAll()
          .where("upstream", "=", upstream)
          .where(buried)
          .where("seq", ">", after)
          .orderBy("seq")
          .limit(limit),
      );
      return rows.map(entryOf);
    },
    async replay(upstream, id) {
      let query = db
        .updateTable("upstream_outbox")
        .set({ attempts: 0, not_before: 0, dead_at: null })
        .where("upstream", "=", upstream)
        .where(buried);
      if (id !== undefined) query = query.where("id", "=", id);
      return s.run(query);
    },
    async discard(upstream, id) {
      let query = db.deleteFrom("upstream_outbox").where("upstream", "=", upstream).where(buried);
      if (id !== undefined) query = query.where("id", "=", id);
      return s.run(query);
    },
    async queued(upstream) {
      const row = await s.one(
        db
          .selectFrom("upstream_outbox")
          .select((eb) => eb.fn.countAll<number>().as("entries"))
          .where("upstream", "=", upstream)
          .where(alive),
      );
      return row.entries;
    },
    async counts() {
      const rows = await s.all(
        db
          .selectFrom("upstream_outbox")
          .select([
            "upstream",
            sql<number>`sum(dead_at IS NULL)`.as("queued"),
            sql<number>`sum(dead_at IS NOT NULL)`.as("dead"),
          ])
          .groupBy("upstream"),
      );
      return [...rows];
    },
  };
}
