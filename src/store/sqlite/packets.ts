import { type Insertable, type Selectable, sql } from "kysely";
import { withoutUndefined } from "../../base/defined.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import type { JobId, PacketId, TargetId } from "../../base/id.ts";
import { shownPacket } from "../../gateway/jobs/shown-job.ts";
import type { PacketPart, PacketPatch, PacketRecord, PacketRepository } from "../../gateway/model/packet.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hidden, type Hiding, hidingIn } from "../hiding.ts";
import { fromJson, toJson } from "../json.ts";
import { KeptPackets } from "../kept-packets.ts";
import type { Migration } from "../migration.ts";
import { remembered, type Statements } from "../statements.ts";
import { stored } from "../stored.ts";
import type { BareJobs } from "./jobs.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
interface PacketTables {
  packet: {
    id: string;
    job: string;
    target: string;
    key_set: string | null;
    tar: string | null;
    cntr: number | null;
    spi: string | null;
    kic: string | null;
    kid: string | null;
    user_data: string;
    /** Sealed: the octets unchanged, while the job is open and `user_data` is stored without keys and logins. */
    secret: Uint8Array | null;
    state: string;
    link: string | null;
    transmissions: number;
    /** Used by older versions; responses are sealed. */
    response: string | null;
    /** Sealed: the response. */
    response_secret: Uint8Array | null;
    created_at: number;
    sent_at: number | null;
    answered_at: number | null;
  };
  packet_part: {
    packet: string;
    position: number;
    transmission: number;
    link: string;
    network_reference: string | null;
    state: string;
    at: number;
    echo: number | null;
    number: string | null;
    said: string | null;
  };
}

function packetIn(row: Selectable<PacketTables["packet"]>, hiding: Hiding, responses: Hiding): PacketRecord {
  return {
    id: stored<PacketId>(row.id),
    job: stored<JobId>(row.job),
    target: stored<TargetId>(row.target),
    ...(row.key_set === null ? {} : { keySet: row.key_set }),
    ...(row.tar === null ? {} : { tar: stored<NonNullable<PacketRecord["tar"]>>(row.tar) }),
    ...(row.cntr === null ? {} : { cntr: row.cntr }),
    ...(row.spi === null ? {} : { spi: fromHex(row.spi) }),
    ...(row.kic === null ? {} : { kic: fromHex(row.kic) }),
    ...(row.kid === null ? {} : { kid: fromHex(row.kid) }),
    userData: (hiding.open<string[]>(row.id, row.secret) ?? fromJson<string[]>(row.user_data)).map(fromHex),
    state: stored<PacketRecord["state"]>(row.state),
    ...(row.link === null ? {} : { link: row.link }),
    transmissions: row.transmissions,
    ...(row.response === null
      ? {}
      : {
          response: (responses.open<string[]>(row.id, row.response_secret) ?? fromJson<string[]>(row.response)).map(
            fromHex,
          ),
        }),
    createdAt: row.created_at,
    ...(row.sent_at === null ? {} : { sentAt: row.sent_at }),
    ...(row.answered_at === null ? {} : { answeredAt: row.answered_at }),
  };
}

const hexOrNull = (octets: Uint8Array | undefined) => (octets === undefined ? null : toHex(octets));

export const packetSteps: readonly Migration[] = [
  // A duplicate of packet_open_all.
  { name: "0020-packet-recent-once", formerNames: ["0071-packet-recent-once"], sql: "DROP INDEX packet_recent;" },
  {
    name: "0024-responses-sealed",
    formerNames: ["0075-responses-sealed"],
    sql: "ALTER TABLE packet ADD COLUMN response_secret BLOB;",
  },
];

/** The columns of a job that determine whether its packet keeps its place. */
interface JobsOfPackets {
  job: { id: string; target: string; state: string; attempts: number };
}

/** Octets of a packet in their stored form while its job is open. */
export function hiddenPacket(
  hiding: Hiding,
  { id, userData }: Pick<PacketRecord, "userData"> & { readonly id: string },
): Hidden {
  const shown = shownPacket({ userData }).userData;
  const hidden = shown.some((octets, index) => octets !== userData[index]);
  return hiding.hide(id, shown.map(toHex), hidden ? userData.map(toHex) : undefined);
}

function partOf(row: Selectable<PacketTables["packet_part"]>): PacketPart {
  return {
    packet: stored<PacketId>(row.packet),
    position: row.position,
    transmission: row.transmission,
    link: row.link,
    ...(row.network_reference === null ? {} : { networkReference: row.network_reference }),
    state: stored<PacketPart["state"]>(row.state),
    at: row.at,
    ...(row.echo === null || row.number === null ? {} : { echo: { reference: row.echo, to: row.number } }),
    ...(row.said === null ? {} : { said: fromJson<NonNullable<PacketPart["said"]>>(row.said) }),
  };
}

function responseColumns(id: string, response: readonly string[], responses: Hiding) {
  const { text, secret } = responses.hide(id, [], response);
  return { response: text, response_secret: secret };
}

function columns(id: string, patch: PacketPatch, responses: Hiding) {
  return {
    ...withoutUndefined({ state: patch.state, link: patch.link, transmissions: patch.transmissions }),
    ...(patch.response === undefined ? {} : responseColumns(id, patch.response.map(toHex), responses)),
    ...withoutUndefined({ sent_at: patch.sentAt, answered_at: patch.answeredAt }),
  };
}

/** Packets; the unique index over key set and counter is the last protection against a reused counter. */
export function packetRepository(s: Statements, seal: Seal, bare: BareJobs): PacketRepository {
  const kept = new KeptPackets(s);
  const db = s.tables<PacketTables & JobsOfPackets>();
  const hiding = hidingIn("packet", () => seal);
  const responses = hidingIn("packet.response", () => seal);
  const packetOf = (row: Selectable<PacketTables["packet"]>) => packetIn(row, hiding, responses);
  const insert = s.prepareRow((row: Insertable<PacketTables["packet"]>) => db.insertInto("packet").values(row));
  const ofJob = s.prepare((job: string) => db.selectFrom("packet").selectAll().where("job", "=", job).orderBy("id"));
  const inPlace = s.prepare((target: string) =>
    db
      .selectFrom("job")
      .innerJoin("packet", "packet.job", "job.id")
      .selectAll("packet")
      .where("job.target", "=", target)
      .where(sql<boolean>`job.state in ('queued', 'running', 'waiting')`)
      .where(sql<boolean>`job.attempts > 0`)
      .where("packet.transmissions", ">", 0)
      .where("packet.state", "in", ["reserved", "sent"])
      .orderBy("packet.created_at")
      .orderBy("packet.id"),
  );
  const byId = s.prepare((id: string) => db.selectFrom("packet").selectAll().where("id", "=", id));
  // One statement for each set of changed columns.
  const change = remembered((_columns: readonly string[]) =>
    s.prepareRow(({ id, ...set }: ReturnType<typeof columns> & { readonly id: string }) =>
      db.updateTable("packet").set(set).where("id", "=", id),
    ),
  );
  const parts = s.prepare((packet: string) =>
    db.selectFrom("packet_part").selectAll().where("packet", "=", packet).orderBy("position"),
  );
  const putPart = s.prepareRow((row: Insertable<PacketTables["packet_part"]>) =>
    db
      .insertInto("packet_part")
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(["packet", "position"])
          .doUpdateSet({
            ...row,
            said: sql<string>`coalesce(excluded.said, iif(packet_part.transmission = excluded.transmission, packet_part.said, NULL))`,
          })
          .where(
            sql<boolean>`packet_part.state NOT IN ('delivered', 'failed') OR packet_part.transmission < excluded.transmission`,
          ),
      ),
  );
  return {
    async insert(packet) {
      const { text, secret } = hiddenPacket(hiding, packet);
      // Sealed octets go with the end of their job: what is read then is not what was written.
      if (secret === null && bare.get(packet.job)?.value === "no packets") {
        bare.set(packet.job, "nothing sealed");
        kept.inserted(packet);
      } else {
        if (secret !== null) bare.delete(packet.job);
        kept.forget(packet.job);
      }
      await insert.run({
        id: packet.id,
        job: packet.job,
        target: packet.target,
        key_set: packet.keySet ?? null,
        tar: packet.tar ?? null,
        cntr: packet.cntr ?? null,
        spi: hexOrNull(packet.spi),
        kic: hexOrNull(packet.kic),
        kid: hexOrNull(packet.kid),
        user_data: text,
        secret,
        state: packet.state,
        link: packet.link ?? null,
        transmissions: packet.transmissions,
        response: null,
        response_secret: null,
        created_at: packet.createdAt,
        sent_at: null,
        answered_at: null,
      });
    },
    async patch(id, patch) {
      kept.changed(id, patch);
      const set = columns(id, patch, responses);
      if (Object.keys(set).length > 0) await change(Object.keys(set)).run({ ...set, id });
    },
    async get(id) {
      const row = await byId.first(id);
      return row && packetOf(row);
    },
    async ofJob(job) {
      const known = kept.ofJob(job);
      return known === undefined ? (await ofJob.all(job)).map(packetOf) : [known];
    },
    async inPlace(target) {
      return (await inPlace.all(target)).map(packetOf);
    },
    async unanswered(target, limit) {
      let query = db
        .selectFrom("packet")
        .selectAll()
        .where(sql<boolean>`state <> 'answered'`)
        .orderBy("created_at", "desc")
        .limit(limit);
      if (target !== undefined) query = query.where("target", "=", target);
      return (await s.all(query)).map(packetOf);
    },
    async putPart(whole) {
      const { networkReference, echo, said, ...part } = whole;
      kept.putPart(whole);
      const { packet, position, transmission, link, state, at } = part;
      await putPart.run({
        packet,
        position,
        transmission,
        link,
        state,
        at,
        network_reference: networkReference ?? null,
        echo: echo?.reference ?? null,
        number: echo?.to ?? null,
        said: said === undefined ? null : toJson(said),
      });
    },
    async parts(packet) {
      return kept.parts(packet) ?? (await parts.all(packet)).map(partOf);
    },
    async partEchoed(link, { reference, to }, evenNamed) {
      const row = await s.first(
        db
          .selectFrom("packet_part")
          .selectAll()
          .where("link", "=", link)
          .where("number", "=", to)
          .where(sql<boolean>`echo IS NOT NULL`)
          .where(
            sql<boolean>`(echo = ${reference} AND (network_reference IS NULL OR ${evenNamed ? 1 : 0} = 1)
            OR ${reference} <= 255 AND echo % 256 = ${reference} AND network_reference IS NULL)`,
          )
          .orderBy(sql`echo = ${reference}`, "desc")
          .orderBy(sql`state IN ('taken', 'unknown')`, "desc")
          .orderBy("at", "desc")
          .limit(1),
      );
      return row && partOf(row);
    },
    async partNamed(link, references) {
      if (references.length === 0) return undefined;
      const row = await s.first(
        db
          .selectFrom("packet_part")
          .selectAll()
          .where("link", "=", link)
          .where("network_reference", "in", references)
          .orderBy(sql`state IN ('taken', 'unknown')`, "desc")
          .orderBy("at", "desc")
          .limit(1),
      );
      return row && partOf(row);
    },
  };
}
