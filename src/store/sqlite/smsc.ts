import { type Generated, type Insertable, type Selectable, sql } from "kysely";
import { fromHex } from "../../base/hex.ts";
import type { JobId, TargetId } from "../../base/id.ts";
import { type OctetText, octetText } from "../../base/octet-text.ts";
import type {
  HeldSegment,
  SmscConversation,
  SmscMessage,
  SmscOutboxItem,
  SmscRepository,
} from "../../gateway/model/smsc-message.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hiding, hidingIn } from "../hiding.ts";
import { fromJson, toJson } from "../json.ts";
import { KeptRows } from "../kept-rows.ts";
import type { Migration } from "../migration.ts";
import { remembered, type Statements } from "../statements.ts";
import { stored } from "../stored.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
interface SmscTables {
  smsc_message: {
    id: string;
    client: string;
    /** Empty while a segment waits for the others. */
    job: string;
    position: number;
    target: string;
    source: string;
    destination: string;
    receipt: string;
    intermediate: number;
    user_reference: number | null;
    state: string;
    error: number;
    submitted_at: number;
    valid_until: number;
    final_at: number | null;
    data_coding: number | null;
    network: string | null;
  };
  smsc_segment: {
    message: string;
    message_of: string;
    sequence: number;
    total: number;
    /** Used by older versions; empty if the segment is sealed. */
    body: string;
    /** Sealed: the segment. */
    secret: Uint8Array | null;
    due_at: number;
  };
  smsc_conversation: {
    target: string;
    client: string;
    number: string;
    ours: string;
    theirs: string;
    at: number;
    data_coding: number | null;
  };
  smsc_outbox: { seq: Generated<number>; id: string; client: string; body: string; at: number };
}

function messageOf(row: Selectable<SmscTables["smsc_message"]>): SmscMessage {
  return {
    id: row.id,
    client: row.client,
    ...(row.job === "" ? {} : { job: stored<JobId>(row.job) }),
    position: row.position,
    target: stored<TargetId>(row.target),
    source: fromJson<SmscMessage["source"]>(row.source),
    destination: fromJson<SmscMessage["destination"]>(row.destination),
    receipt: stored<SmscMessage["receipt"]>(row.receipt),
    intermediate: row.intermediate !== 0,
    ...(row.user_reference === null ? {} : { userMessageReference: row.user_reference }),
    ...(row.data_coding === null ? {} : { dataCoding: row.data_coding }),
    state: stored<SmscMessage["state"]>(row.state),
    error: row.error,
    ...(row.network === null ? {} : { network: fromJson<NonNullable<SmscMessage["network"]>>(row.network) }),
    submittedAt: row.submitted_at,
    validUntil: row.valid_until,
    ...(row.final_at === null ? {} : { finalAt: row.final_at }),
  };
}

/** The contents of a segment as a row has them. */
type WrittenBody = OctetText<HeldSegment["body"]>;

function readBody(written: WrittenBody): HeldSegment["body"] {
  return { ...written, userData: fromHex(written.userData) };
}

function segmentIn(row: Selectable<SmscTables["smsc_segment"]>, hiding: Hiding): HeldSegment {
  return {
    message: row.message,
    messageOf: row.message_of,
    sequence: row.sequence,
    total: row.total,
    body: readBody(hiding.open<WrittenBody>(row.message, row.secret) ?? fromJson<WrittenBody>(row.body)),
    dueAt: row.due_at,
  };
}

export const smscSteps: readonly Migration[] = [
  {
    name: "0022-segments-sealed",
    formerNames: ["0073-segments-sealed"],
    sql: "ALTER TABLE smsc_segment ADD COLUMN secret BLOB;",
  },
  // What can be cancelled is found by the open jobs of its target.
  { name: "0027-open-messages-by-job", sql: "DROP INDEX smsc_message_open;" },
];

/** A literal, so that the partial index applies. */
const ofSomeJob = sql<boolean>`job <> ''`;
const open = sql<boolean>`final_at IS NULL`;

/** The columns of a job that determine whether its messages can be cancelled. */
interface JobsOfMessages {
  job: { id: string; seq: number; target: string; lane: string; state: string };
}

/** The SMSC face's messages, conversations and outbox. */
export function smscRepository(s: Statements, seal: Seal): SmscRepository {
  const db = s.tables<SmscTables & JobsOfMessages>();
  const hiding = hidingIn("smsc_segment", () => seal);
  const segmentOf = (row: Selectable<SmscTables["smsc_segment"]>) => segmentIn(row, hiding);
  const insert = s.prepareRow((row: Insertable<SmscTables["smsc_message"]>) =>
    db.insertInto("smsc_message").values(row),
  );
  const byId = s.prepare((id: string) => db.selectFrom("smsc_message").selectAll().where("id", "=", id));
  const ofJob = s.prepare((job: string) =>
    db.selectFrom("smsc_message").selectAll().where("job", "=", job).where(ofSomeJob).orderBy("position"),
  );
  const setFate = s.prepare(
    (id: string, state: string, error: number, network: string | null, final_at: number | null) =>
      db.updateTable("smsc_message").set({ state, error, network, final_at }).where("id", "=", id),
  );
  // Cross joins: SQLite takes the tables in this order.
  const heldTo = s.prepare((client: string, target: string) =>
    db
      .selectFrom("smsc_segment")
      .crossJoin("smsc_message")
      .selectAll("smsc_message")
      .whereRef("smsc_message.id", "=", "smsc_segment.message")
      .where("smsc_message.client", "=", client)
      .where("smsc_message.target", "=", target)
      .where(open),
  );
  // In the order of the index of open jobs: otherwise SQLite walks all jobs of the target.
  const ofOpenJobs = s.prepare((client: string, target: string) =>
    db
      .selectFrom("job")
      .crossJoin("smsc_message")
      .selectAll("smsc_message")
      .where("job.target", "=", target)
      .where(sql<boolean>`job.state in ('queued', 'running', 'waiting')`)
      .whereRef("smsc_message.job", "=", "job.id")
      .where(sql<boolean>`smsc_message.job <> ''`)
      .where("smsc_message.client", "=", client)
      .where(open)
      .orderBy("job.lane", "desc")
      .orderBy("job.seq"),
  );
  const enqueue = s.prepare((id: string, client: string, body: string, at: number) =>
    db.insertInto("smsc_outbox").values({ id, client, body, at }),
  );
  const waitingUpTo = remembered((limit: number) =>
    s.prepare((client: string) =>
      db.selectFrom("smsc_outbox").select("body").where("client", "=", client).orderBy("seq").limit(limit),
    ),
  );
  const remove = s.prepare((client: string, id: string) =>
    db.deleteFrom("smsc_outbox").where("client", "=", client).where("id", "=", id).returning("seq"),
  );
  // Of jobs with one message.
  const kept = new KeptRows<SmscMessage>(s);
  const keptJobs = new KeptRows<JobId>(s);
  return {
    async insertMessage(one) {
      if (one.job !== undefined) {
        kept.set(one.job, one);
        keptJobs.set(one.id, one.job);
      }
      await insert.run({
        id: one.id,
        client: one.client,
        job: one.job ?? "",
        position: one.position,
        target: one.target,
        source: toJson(one.source),
        destination: toJson(one.destination),
        receipt: one.receipt,
        intermediate: one.intermediate ? 1 : 0,
        user_reference: one.userMessageReference ?? null,
        state: one.state,
        error: one.error,
        submitted_at: one.submittedAt,
        valid_until: one.validUntil,
        final_at: one.finalAt ?? null,
        data_coding: one.dataCoding ?? null,
        network: one.network === undefined ? null : toJson(one.network),
      });
    },
    async message(id) {
      const row = await byId.first(id);
      return row && messageOf(row);
    },
    async messagesOfJob(job) {
      const known = kept.get(job);
      return known === undefined ? (await ofJob.all(job)).map(messageOf) : [known.value];
    },
    async overdue(validUntil, limit) {
      const rows = await s.all(
        db
          .selectFrom("smsc_message")
          .selectAll()
          .where(open)
          .where("valid_until", "<", validUntil)
          .orderBy("valid_until")
          .limit(limit),
      );
      return rows.map(messageOf);
    },
    async place(id, job, position) {
      kept.delete(job);
      await s.run(db.updateTable("smsc_message").set({ job, position }).where("id", "=", id));
    },
    async openMessages(client, target) {
      const rows = [...(await heldTo.all(client, target)), ...(await ofOpenJobs.all(client, target))];
      return rows.sort((a, b) => a.submitted_at - b.submitted_at).map(messageOf);
    },
    async changeState(id, { state, error, network, finalAt }, validUntil) {
      kept.delete(keptJobs.get(id)?.value ?? "");
      await setFate.run(id, state, error, network === undefined ? null : toJson(network), finalAt ?? null);
      if (validUntil !== undefined)
        await s.run(db.updateTable("smsc_message").set({ valid_until: validUntil }).where("id", "=", id));
    },
    async hold(one) {
      const { text, secret } = hiding.hide(one.message, {}, octetText(one.body));
      await s.run(
        db.insertInto("smsc_segment").values({
          message: one.message,
          message_of: one.messageOf,
          sequence: one.sequence,
          total: one.total,
          body: text,
          secret,
          due_at: one.dueAt,
        }),
      );
    },
    async held(key) {
      const rows = await s.all(
        db.selectFrom("smsc_segment").selectAll().where("message_of", "=", key).orderBy("sequence").orderBy("message"),
      );
      return rows.map(segmentOf);
    },
    async dueSegments(now) {
      const rows = await s.all(
        db.selectFrom("smsc_segment").selectAll().where("due_at", "<=", now).orderBy("due_at").limit(1000),
      );
      return [...new Map(rows.map((row) => [row.message_of, segmentOf(row)])).values()];
    },
    async nextDue() {
      const row = await s.first(db.selectFrom("smsc_segment").select((eb) => eb.fn.min("due_at").as("at")));
      return row?.at ?? undefined;
    },
    async release(message) {
      const changed = await s.run(db.deleteFrom("smsc_segment").where("message", "=", message));
      return changed > 0;
    },
    async putConversation(one) {
      const row = {
        target: one.target,
        client: one.client,
        number: one.number,
        ours: toJson(one.ours),
        theirs: toJson(one.theirs),
        at: one.at,
        data_coding: one.dataCoding ?? null,
      };
      await s.run(
        db
          .insertInto("smsc_conversation")
          .values(row)
          .onConflict((conflict) => conflict.columns(["target", "client", "number"]).doUpdateSet(row)),
      );
    },
    async conversation(target, number) {
      const rows = await s.all(
        db.selectFrom("smsc_conversation").selectAll().where("target", "=", target).orderBy("at", "desc"),
      );
      const row = rows.find((one) => one.number === number) ?? rows[0];
      if (row === undefined) return undefined;
      return {
        target: stored<TargetId>(row.target),
        client: row.client,
        number: row.number,
        ours: fromJson<SmscConversation["ours"]>(row.ours),
        theirs: fromJson<SmscConversation["theirs"]>(row.theirs),
        ...(row.data_coding === null ? {} : { dataCoding: row.data_coding }),
        at: row.at,
      };
    },
    async post(client, item, at) {
      await enqueue.run(item.id, client, toJson(item), at);
    },
    async pull(client, limit) {
      return (await waitingUpTo(limit).all(client)).map((row) => fromJson<SmscOutboxItem>(row.body));
    },
    async drop(client, id) {
      return (await remove.all(client, id)).length > 0;
    },
    async depths() {
      const rows = await s.all(
        db
          .selectFrom("smsc_outbox")
          .select((eb) => ["client", eb.fn.countAll<number>().as("items")])
          .groupBy("client"),
      );
      return Object.fromEntries(rows.map((row) => [row.client, Number(row.items)]));
    },
  };
}
