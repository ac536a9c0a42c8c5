import type { PruneCounts, RetainedKind, RetentionRepository, StoreSize } from "../../gateway/model/retention.ts";
import type { Statements } from "../statements.ts";

/** How records of a kind are found, and what is removed with them. Records in use at `:before` stay. */
interface Retained {
  readonly table: string;
  readonly position: "seq" | "rowid";
  /** Condition: the record is old enough to be examined. */
  readonly old: string;
  /** Condition: the record may be removed. */
  readonly over: string;
  /** Tables of dependent records, then its own table; `:positions` are a JSON array. */
  readonly tables: readonly { readonly kind: keyof PruneCounts; readonly table: string; readonly where: string }[];
  /** Remove only records before the first one that stays: the log must not have gaps. */
  readonly prefix?: boolean;
}

const chosen = "SELECT value FROM json_each(:positions)";
const jobs = `SELECT id FROM job WHERE seq IN (${chosen})`;
const unfinishedCampaigns = `SELECT id FROM campaign
  WHERE state IN ('running', 'paused', 'stopped', 'cancelled') AND body ->> '$.endedAt' IS NULL`;
/** Condition: a profile switch has ended. */
const switchOver = "state NOT IN ('accepted', 'switched') AND coalesce(body ->> '$.endedAt', accepted_at) < :before";
const messageOver = "final_at IS NOT NULL AND final_at < :before";

const retained: Readonly<Record<RetainedKind, Retained>> = {
  procedures: {
    table: "procedure",
    position: "rowid",
    old: "accepted_at < :before",
    over: `${switchOver} AND EXISTS (SELECT 1 FROM procedure later WHERE later.target = procedure.target
      AND (later.accepted_at, later.rowid) > (procedure.accepted_at, procedure.rowid))`,
    tables: [{ kind: "procedures", table: "procedure", where: `rowid IN (${chosen})` }],
  },
  jobs: {
    table: "job",
    position: "seq",
    old: "created_at < :before",
    // Each of the following records may still be needed after the end of its job.
    over: `state IN ('done', 'failed', 'expired', 'cancelled') AND ended_at < :before
      AND NOT (origin_face = 'campaign' AND origin ->> '$.reference' IN (${unfinishedCampaigns}))
      AND NOT EXISTS (SELECT 1 FROM procedure WHERE procedure.job = job.id AND NOT (${switchOver}))
      AND NOT EXISTS (SELECT 1 FROM packet WHERE packet.job = job.id AND answered_at >= :before)
      AND NOT EXISTS (SELECT 1 FROM smsc_message WHERE smsc_message.job = job.id AND smsc_message.job <> ''
        AND NOT (${messageOver}))`,
    tables: [
      {
        kind: "packetParts",
        table: "packet_part",
        where: `packet IN (SELECT id FROM packet WHERE job IN (${jobs}))`,
      },
      { kind: "packets", table: "packet", where: `job IN (${jobs})` },
      { kind: "messages", table: "smsc_message", where: `job <> '' AND job IN (${jobs})` },
      { kind: "jobs", table: "job", where: `seq IN (${chosen})` },
    ],
  },
  // Messages that never belonged to a job, or whose job was removed.
  messages: {
    table: "smsc_message",
    position: "rowid",
    old: "submitted_at < :before",
    over: `${messageOver} AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = smsc_message.job)`,
    tables: [
      {
        kind: "segments",
        table: "smsc_segment",
        where: `message IN (SELECT id FROM smsc_message WHERE rowid IN (${chosen}))`,
      },
      { kind: "messages", table: "smsc_message", where: `rowid IN (${chosen})` },
    ],
  },
  notifications: {
    table: "notification",
    position: "seq",
    old: "first_at < :before",
    // Copies are detected by comparison with the last one received, and during an open switch with all received since
    // its start.
    over: `confirmation NOT IN ('pending', 'upstream') AND last_at < :before AND coalesce(confirmed_at, 0) < :before
      AND EXISTS (SELECT 1 FROM notification later WHERE later.eid = notification.eid
        AND later.last_at >= notification.last_at AND (later.last_at, later.seq) > (notification.last_at, notification.seq))
      AND NOT EXISTS (SELECT 1 FROM procedure WHERE procedure.target = notification.target
        AND state IN ('accepted', 'switched') AND accepted_at <= notification.last_at)`,
    tables: [{ kind: "notifications", table: "notification", where: `seq IN (${chosen})` }],
  },
  inbox: {
    table: "inbox",
    position: "seq",
    old: "received_at < :before",
    over: "state = 'done' AND received_at < :before",
    tables: [{ kind: "inbox", table: "inbox", where: `seq IN (${chosen})` }],
  },
  events: {
    table: "event",
    position: "seq",
    old: "at < :before",
    over: "at < :before",
    tables: [{ kind: "events", table: "event", where: `seq IN (${chosen})` }],
    prefix: true,
  },
  audit: {
    table: "audit",
    position: "seq",
    old: "at < :before",
    over: "at < :before",
    tables: [{ kind: "audit", table: "audit", where: `seq IN (${chosen})` }],
  },
};

/** Finds and removes old records. Each search and each removal is one short statement per table. */
export function retentionRepository(
  s: Statements,
  onEnded: (state: string, jobs: number) => void,
): RetentionRepository {
  const run = <R>(text: string, parameters: Readonly<Record<string, number | string>>) => {
    return s.text<R>(text).all(parameters);
  };
  const each = async (
    kind: RetainedKind,
    positions: readonly number[],
    act: (table: string, where: string, chosen: { readonly positions: string }) => Promise<number>,
  ): Promise<PruneCounts> => {
    if (positions.length === 0) return {};
    const counts: Partial<Record<keyof PruneCounts, number>> = {};
    const json = { positions: JSON.stringify(positions) };
    for (const { kind: counted, table, where } of retained[kind].tables) {
      const found = await act(table, where, json);
      if (found > 0) counts[counted] = found;
    }
    return counts;
  };
  return {
    async page(kind, before, after, limit) {
      const { table, position, old, over, prefix } = retained[kind];
      const rows = await run<{ position: number; old: number | null; over: number | null }>(
        `SELECT ${position} AS position, ${old} AS old, (${over}) AS over FROM ${table}
          WHERE ${position} > :after ORDER BY ${position} LIMIT ${limit}`,
        { before, after },
      );
      const staying = prefix === true ? rows.findIndex((row) => row.over !== 1) : -1;
      const free = staying < 0 ? rows.filter((row) => row.over === 1) : rows.slice(0, staying);
      const last = rows.at(-1);
      const more = rows.length === limit && staying < 0 && rows.some((row) => row.old === 1);
      return {
        positions: free.map((row) => row.position),
        ...(more && last !== undefined ? { next: last.position } : {}),
      };
    },
    count: (kind, positions) =>
      each(kind, positions, async (table, where, json) => {
        const [row] = await run<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE ${where}`, json);
        return row?.n ?? 0;
      }),
    remove: (kind, positions) =>
      each(kind, positions, async (table, where, json) => {
        const state = table === "job" ? "state" : "NULL";
        const gone = await run<{ state: string | null }>(
          `DELETE FROM ${table} WHERE ${where} RETURNING ${state} AS state`,
          json,
        );
        for (const one of gone) if (one.state !== null) onEnded(one.state, -1);
        return gone.length;
      }),
    async firstUntaken(upstreams) {
      const [row] = await run<{ at: number }>(
        `SELECT at FROM event WHERE seq > (SELECT min(seq) FROM upstream_cursor
          WHERE upstream IN (SELECT value FROM json_each(:upstreams))) ORDER BY seq LIMIT 1`,
        { upstreams: JSON.stringify(upstreams) },
      );
      return row?.at;
    },
    async size() {
      const [row] = await run<StoreSize>(
        `SELECT page_count * page_size AS bytes, freelist_count * page_size AS "freeBytes"
          FROM pragma_page_count(), pragma_page_size(), pragma_freelist_count()`,
        {},
      );
      return row ?? { bytes: 0, freeBytes: 0 };
    },
  };
}
