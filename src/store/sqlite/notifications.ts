import type { Generated, Selectable } from "kysely";
import { withoutUndefined } from "../../base/defined.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import type { JobId, NotificationId, TargetId } from "../../base/id.ts";
import type { NotificationRecord, NotificationRepository } from "../../gateway/model/notification.ts";
import type { Statements } from "../statements.ts";
import { stored } from "../stored.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface NotificationTables {
  notification: {
    seq: Generated<number>;
    id: string;
    target: string | null;
    eid: string;
    type: number;
    sequence: string;
    aid: string | null;
    imei: string | null;
    via: string;
    link: string;
    verified: number;
    copies: number;
    confirmation: string;
    confirm_job: string | null;
    raw: string;
    first_at: number;
    last_at: number;
    confirmed_at: number | null;
  };
}

function notificationOf(row: Selectable<NotificationTables["notification"]>): NotificationRecord {
  return {
    seq: row.seq,
    id: stored<NotificationId>(row.id),
    ...(row.target === null ? {} : { target: stored<TargetId>(row.target) }),
    eid: stored(row.eid),
    type: row.type,
    sequence: row.sequence,
    ...(row.aid === null ? {} : { aid: stored<NonNullable<NotificationRecord["aid"]>>(row.aid) }),
    ...(row.imei === null ? {} : { imei: row.imei }),
    via: row.via === "https" ? "https" : "sms",
    link: row.link,
    verified: row.verified !== 0,
    copies: row.copies,
    confirmation: stored<NotificationRecord["confirmation"]>(row.confirmation),
    ...(row.confirm_job === null ? {} : { confirmJob: stored<JobId>(row.confirm_job) }),
    raw: fromHex(row.raw),
    firstAt: row.first_at,
    lastAt: row.last_at,
    ...(row.confirmed_at === null ? {} : { confirmedAt: row.confirmed_at }),
  };
}

/** Notifications, newest first. */
export function notificationRepository(s: Statements): NotificationRepository {
  const db = s.tables<NotificationTables>();
  const ofJob = s.prepare((job: string) => db.selectFrom("notification").selectAll().where("confirm_job", "=", job));
  return {
    async insert(one) {
      await s.run(
        db.insertInto("notification").values({
          id: one.id,
          target: one.target ?? null,
          eid: one.eid,
          type: one.type,
          sequence: one.sequence,
          aid: one.aid ?? null,
          imei: one.imei ?? null,
          via: one.via,
          link: one.link,
          verified: one.verified ? 1 : 0,
          copies: one.copies,
          confirmation: one.confirmation,
          confirm_job: one.confirmJob ?? null,
          raw: toHex(one.raw),
          first_at: one.firstAt,
          last_at: one.lastAt,
          confirmed_at: one.confirmedAt ?? null,
        }),
      );
    },
    async patch(id, patch) {
      await s.run(
        db
          .updateTable("notification")
          .set(
            withoutUndefined({
              copies: patch.copies,
              confirmation: patch.confirmation,
              confirm_job: patch.confirmJob,
              last_at: patch.lastAt,
              confirmed_at: patch.confirmedAt,
            }),
          )
          .where("id", "=", id),
      );
    },
    async get(id) {
      const row = await s.first(db.selectFrom("notification").selectAll().where("id", "=", id));
      return row && notificationOf(row);
    },
    async byConfirmJob(job) {
      const row = await ofJob.first(job);
      return row && notificationOf(row);
    },
    async copyOf(eid, raw, { verified, counts }, since) {
      const row = await s.first(
        db
          .selectFrom("notification")
          .selectAll()
          .where("eid", "=", eid)
          .where("last_at", ">=", since)
          .where("raw", "=", toHex(raw))
          .where("verified", "=", verified ? 1 : 0)
          .where("confirmation", counts ? "<>" : "=", "none")
          .orderBy("seq", "desc")
          .limit(1),
      );
      return row && notificationOf(row);
    },
    async list(target, before, limit) {
      let query = db.selectFrom("notification").selectAll().orderBy("seq", "desc").limit(limit);
      if (target !== undefined) query = query.where("target", "=", target);
      if (before !== undefined) query = query.where("seq", "<", before);
      return (await s.all(query)).map(notificationOf);
    },
  };
}
