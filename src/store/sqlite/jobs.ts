import { type Generated, type Insertable, type Selectable, sql } from "kysely";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { shownWork } from "../../gateway/jobs/shown-job.ts";
import { readFailure, type StoredFailure, writtenFailure } from "../../gateway/model/failure.ts";
import {
  endStates,
  type Job,
  type JobPatch,
  type JobRepository,
  type JobResult,
  type JobState,
} from "../../gateway/model/job.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hidden, type Hiding, hidingIn } from "../hiding.ts";
import { fromJson, toJson } from "../json.ts";
import type { Migration } from "../migration.ts";
import { remembered, type Statements } from "../statements.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
interface JobTables {
  job: {
    seq: Generated<number>;
    id: string;
    target: string;
    state: string;
    lane: string;
    origin_face: string;
    work: string;
    request: string;
    origin: string;
    chosen: string | null;
    attempts: number;
    not_before: number;
    valid_until: number;
    /** Used by older versions; results are sealed. */
    result: string | null;
    /** Sealed: the result, since answers of a card may contain keys. */
    result_secret: Uint8Array | null;
    error: string | null;
    note: string | null;
    warnings: string | null;
    idempotency_key: string | null;
    idempotency_digest: string | null;
    /**
     * Sealed: the whole work, if `work` is stored without its keys and logins; also needed after the end, to decode
     * answers.
     */
    secret: Uint8Array | null;
    created_at: number;
    started_at: number | null;
    ended_at: number | null;
  };
  /** For final states only. */
  job_count: { state: string; jobs: number };
}

function jobIn(row: Selectable<JobTables["job"]>, hiding: Hiding, results: Hiding): Job {
  return {
    seq: row.seq,
    id: row.id,
    target: row.target,
    state: row.state as JobState,
    lane: row.lane as Job["lane"],
    work: hiding.open<Job["work"]>(row.id, row.secret) ?? fromJson<Job["work"]>(row.work),
    request: fromJson<Job["request"]>(row.request),
    origin: fromJson<Job["origin"]>(row.origin),
    ...(row.chosen === null ? {} : { chosen: fromJson<NonNullable<Job["chosen"]>>(row.chosen) }),
    attempts: row.attempts,
    notBefore: row.not_before,
    validUntil: row.valid_until,
    ...(row.result === null
      ? {}
      : { result: results.open<JobResult>(row.id, row.result_secret) ?? fromJson(row.result) }),
    ...(row.error === null ? {} : { error: readFailure(fromJson<StoredFailure>(row.error)) }),
    ...(row.note === null ? {} : { note: row.note }),
    ...(row.warnings === null ? {} : { warnings: fromJson<string[]>(row.warnings) }),
    createdAt: row.created_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

export const jobSteps: readonly Migration[] = [
  {
    // Jobs are counted when they end, once for each commit: with a trigger, SQLite keeps a journal for each statement.
    name: "0070-jobs-counted-at-their-end",
    sql: `
DROP TRIGGER job_counted;
DROP TRIGGER job_recounted;
DROP TRIGGER job_uncounted;
DELETE FROM job_count WHERE state IN ('queued', 'running', 'waiting');
`,
  },
  { name: "0074-results-sealed", sql: "ALTER TABLE job ADD COLUMN result_secret BLOB;" },
];

/** Changes of a job's packets at its end. */
interface PacketsOfJobs {
  packet: { job: string; secret: Uint8Array | null };
}

/** The work of an open job in its stored form. */
export function hiddenWork(hiding: Hiding, id: string, work: Job["work"]): Hidden {
  const shown = shownWork(work);
  return hiding.hide(id, shown, shown === work ? undefined : work);
}

/** A result in its stored form: one without data of the card is not sealed. */
function resultColumns(id: string, result: JobResult, results: Hiding) {
  const empty = result.commands.length === 0 && result.data === undefined && result.answer === undefined;
  const { text, secret } = results.hide(id, empty ? result : {}, empty ? undefined : result);
  return { result: text, result_secret: secret };
}

function columns(id: string, patch: JobPatch, results: Hiding) {
  return {
    ...withoutUndefined({ state: patch.state }),
    ...(patch.chosen === undefined ? {} : { chosen: toJson(patch.chosen) }),
    ...withoutUndefined({ attempts: patch.attempts, not_before: patch.notBefore }),
    ...(patch.result === undefined ? {} : resultColumns(id, patch.result, results)),
    ...(patch.error === undefined ? {} : { error: toJson(writtenFailure(patch.error)) }),
    ...withoutUndefined({ note: patch.note, started_at: patch.startedAt, ended_at: patch.endedAt }),
  };
}

const notEnded = sql<boolean>`state not in (${sql.join(endStates.map((state) => sql.lit(state)))})`;

/** Literals, so that SQLite uses its partial index. */
const stillOpen = sql<boolean>`state in ('queued', 'running', 'waiting')`;

const queued = sql<boolean>`state = 'queued'`;
const ofSystem = sql<boolean>`origin_face = 'system'`;

/** The state in which a job must be for a change. */
type WasAt = { readonly was_state: string; readonly was_attempts: number };

/** Jobs. The indices for dispatch contain open jobs only, so finished ones do not slow it down. */
export function jobRepository(
  s: Statements,
  seal: Seal,
  onEnded: (state: string, jobs: number) => void,
): JobRepository {
  const db = s.tables<JobTables & PacketsOfJobs>();
  const hiding = hidingIn("job", () => seal);
  const results = hidingIn("job.result", () => seal);
  const jobOf = (row: Selectable<JobTables["job"]>) => jobIn(row, hiding, results);
  const byId = s.prepare((id: string) => db.selectFrom("job").selectAll().where("id", "=", id));
  const byKey = s.prepare((key: string) => db.selectFrom("job").selectAll().where("idempotency_key", "=", key));
  const add = s.prepareRow((row: Insertable<JobTables["job"]>) => db.insertInto("job").values(row).returning("seq"));
  const waiting = (limit: number) =>
    s.prepare((target: string) =>
      db
        .selectFrom("job")
        .selectAll()
        .where("target", "=", target)
        .where(sql<boolean>`state = 'waiting'`)
        .where(sql<boolean>`chosen ->> '$.bearer' = 'https'`)
        .orderBy("lane", "desc")
        .orderBy("seq")
        .limit(limit),
    );
  const waitingUpTo = remembered(waiting);
  const dueIn = (lanes: readonly Job["lane"][], limit: number) =>
    s.prepare((target: string, now: number) =>
      db
        .selectFrom("job")
        .selectAll()
        .where("target", "=", target)
        .where(stillOpen)
        .where(queued)
        .where(sql<boolean>`lane in (${sql.join(lanes.map((lane) => sql.lit(lane)))})`)
        .where(sql<boolean>`+not_before <= ${now}`)
        .orderBy("lane", "desc")
        .orderBy("seq")
        .limit(limit),
    );
  const nextIn = remembered((lanes: readonly Job["lane"][]) => dueIn(lanes, 1));
  const fewIn = remembered(([limit, ...lanes]: readonly [number, ...Job["lane"][]]) => dueIn(lanes, limit));
  // One statement for each set of changed columns.
  const change = remembered((_columns: readonly string[]) =>
    s.prepareRow(({ id, ...set }: ReturnType<typeof columns> & { readonly id: string }) =>
      db.updateTable("job").set(set).where("id", "=", id).where(notEnded),
    ),
  );
  const changeFrom = remembered((_columns: readonly string[]) =>
    s.prepareRow(
      ({ id, was_state, was_attempts, ...set }: ReturnType<typeof columns> & WasAt & { readonly id: string }) =>
        db
          .updateTable("job")
          .set(set)
          .where("id", "=", id)
          .where(notEnded)
          .where("state", "=", was_state)
          .where("attempts", "=", was_attempts),
    ),
  );
  const resumeNoted = s.prepare((target: string, note: string, now: number) =>
    db
      .updateTable("job")
      .set({ not_before: now })
      .where("target", "=", target)
      .where(queued)
      .where("not_before", ">", now)
      .where("note", "=", note),
  );
  const due = s.prepare((target: string) =>
    db
      .selectFrom("job")
      .select((eb) => eb.fn.min("not_before").as("at"))
      .where("target", "=", target)
      .where(queued),
  );
  // In the order of the index of open jobs: otherwise SQLite walks all jobs of the target.
  const anyOpen = s.prepare((target: string) =>
    db
      .selectFrom("job")
      .select("seq")
      .where("target", "=", target)
      .where(stillOpen)
      .orderBy("lane", "desc")
      .orderBy("seq")
      .limit(1),
  );
  // Open jobs are few; those that have ended are counted as they end.
  const openCounts = s.prepare(() =>
    db
      .selectFrom("job")
      .select(["state", (eb) => eb.fn.countAll<number>().as("jobs")])
      .where(stillOpen)
      .groupBy("state"),
  );
  const endedCounts = s.prepare(() => db.selectFrom("job_count").selectAll());
  const forgetOctets = s.prepare((job: string) =>
    db.updateTable("packet").set({ secret: null }).where("job", "=", job).where(sql<boolean>`secret is not null`),
  );
  const firstDue = async (target: string): Promise<number | undefined> => (await due.all(target))[0]?.at ?? undefined;
  return {
    async insert(job, idempotencyKey, digest) {
      if (idempotencyKey !== undefined) {
        const before = await byKey.first(idempotencyKey);
        if (before !== undefined) {
          const same =
            digest === undefined || before.idempotency_digest === null || before.idempotency_digest === digest;
          return { job: jobOf(before), created: false, same };
        }
      }
      const work = hiddenWork(hiding, job.id, job.work);
      const row = await add.one({
        id: job.id,
        target: job.target,
        state: job.state,
        lane: job.lane,
        origin_face: job.origin.face,
        work: work.text,
        secret: work.secret,
        request: toJson(job.request),
        origin: toJson(job.origin),
        chosen: job.chosen === undefined ? null : toJson(job.chosen),
        attempts: job.attempts,
        not_before: job.notBefore,
        valid_until: job.validUntil,
        result: null,
        result_secret: null,
        error: null,
        note: null,
        warnings: job.warnings === undefined ? null : toJson(job.warnings),
        idempotency_key: idempotencyKey ?? null,
        idempotency_digest: digest ?? null,
        created_at: job.createdAt,
        started_at: job.startedAt ?? null,
        ended_at: null,
      });
      return { job: { ...job, seq: row.seq }, created: true, same: true };
    },
    async get(id) {
      const row = await byId.first(id);
      return row && jobOf(row);
    },
    async list(filter, before, limit) {
      const page = (state: JobState | undefined) => {
        let query = db.selectFrom("job").selectAll().orderBy("seq", "desc").limit(limit);
        if (before !== undefined) query = query.where("seq", "<", before);
        if (filter.target !== undefined) query = query.where("target", "=", filter.target);
        // The plus keeps SQLite from walking all jobs in this state for those of one target.
        if (state !== undefined && filter.target !== undefined) query = query.where(sql<boolean>`+state = ${state}`);
        else if (state !== undefined) query = query.where("state", "=", state);
        if (state !== undefined && !endStates.includes(state)) query = query.where(stillOpen);
        if (filter.origin === "system") query = query.where(ofSystem);
        else if (filter.origin !== undefined) query = query.where("origin_face", "=", filter.origin);
        return s.all(query);
      };
      // One index walk per state and a merge: an IN would sort all finished jobs for the first page.
      const pages = filter.state === undefined ? [await page(undefined)] : await Promise.all(filter.state.map(page));
      const rows = pages.length === 1 ? (pages[0] ?? []) : pages.flat().sort((a, b) => b.seq - a.seq);
      return rows.slice(0, limit).map(jobOf);
    },
    async patch(id, patch, was) {
      const set = columns(id, patch, results);
      if (Object.keys(set).length === 0) return true;
      const row = { ...set, id };
      const columnsSet = Object.keys(set);
      const changes =
        was === undefined
          ? await change(columnsSet).run(row)
          : await changeFrom(columnsSet).run({ ...row, was_state: was.state, was_attempts: was.attempts });
      const changed = changes > 0;
      if (!changed || patch.state === undefined || !endStates.includes(patch.state)) return changed;
      onEnded(patch.state, 1);
      await forgetOctets.run(id);
      return true;
    },
    async next(target, now, lanes) {
      const first = await firstDue(target);
      if (first === undefined || first > now) return undefined;
      const row = await nextIn(lanes).first(target, now);
      return row && jobOf(row);
    },
    async hasOpen(target) {
      return (await anyOpen.first(target)) !== undefined;
    },
    async due(target, now, lanes, limit) {
      const rows = await fewIn([limit, ...lanes]).all(target, now);
      return rows.map(jobOf);
    },
    async openTargets() {
      const rows = await s.all(db.selectFrom("job").select("target").distinct().where(stillOpen));
      return rows.map((row) => row.target);
    },
    async inState(states, limit) {
      const rows = await s.all(
        db.selectFrom("job").selectAll().where("state", "in", states).orderBy("seq").limit(limit),
      );
      return rows.map(jobOf);
    },
    async waitingForSession(target, limit) {
      return (await waitingUpTo(limit).all(target)).map(jobOf);
    },
    async defer(job, now, until, note) {
      await s.run(
        db
          .updateTable("job")
          .set({ not_before: sql<number>`min(${until}, valid_until)`, note })
          .where("target", "=", job.target)
          .where("lane", "=", job.lane)
          .where("seq", ">", job.seq)
          .where(stillOpen)
          .where(queued)
          .where("not_before", "<=", now)
          .where("request", "=", toJson(job.request))
          .where(sql<boolean>`work ->> '$.kind' = ${job.work.kind}`),
      );
    },
    async resume(target, now) {
      const jobs = db.updateTable("job").set({ not_before: now });
      const due = (target === undefined ? jobs : jobs.where("target", "=", target))
        .where(stillOpen)
        .where(queued)
        .where("not_before", ">", now)
        .where("note", "is not", null);
      await s.run(due);
    },
    async letGo(target, note, now) {
      await resumeNoted.run(target, note, now);
    },
    nextWake: firstDue,
    async deadlines(target, now) {
      const queuedHere = db.selectFrom("job").where("target", "=", target).where(queued);
      const over = await s.all(queuedHere.selectAll().where("valid_until", "<=", now).orderBy("seq"));
      const next = queuedHere.select((eb) => eb.fn.min("valid_until").as("at")).where("valid_until", ">", now);
      const later = await s.first(next);
      return { over: over.map(jobOf), ...(later?.at == null ? {} : { next: later.at }) };
    },
    async counts() {
      const counts: Record<JobState, number> = {
        queued: 0,
        running: 0,
        waiting: 0,
        done: 0,
        failed: 0,
        expired: 0,
        cancelled: 0,
      };
      for (const row of [...(await openCounts.all()), ...(await endedCounts.all())]) {
        if (!(row.state in counts)) throw new GatewayError("store.unavailable", `unknown job state ${row.state}`);
        counts[row.state as JobState] = row.jobs;
      }
      return counts;
    },
  };
}
