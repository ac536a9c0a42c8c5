import { type Insertable, type Selectable, sql } from "kysely";
import { GatewayError } from "../../base/gateway-error.ts";
import type { TargetId } from "../../base/id.ts";
import { octetText } from "../../base/octet-text.ts";
import { endStates, type Job, type JobRepository, type JobState } from "../../gateway/model/job.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { hidingIn } from "../hiding.ts";
import { toJson } from "../json.ts";
import { KeptRows } from "../kept-rows.ts";
import type { Migration } from "../migration.ts";
import { SessionJobs, sessionJobsAhead } from "../session-jobs.ts";
import { remembered, type Statements } from "../statements.ts";
import { stored } from "../stored.ts";
import { columns, hiddenWork, type JobTables, jobIn } from "./job-rows.ts";

export const jobSteps: readonly Migration[] = [
  {
    // Jobs are counted when they end, once for each commit: with a trigger, SQLite keeps a journal for each statement.
    name: "0019-jobs-counted-at-their-end",
    formerNames: ["0070-jobs-counted-at-their-end"],
    sql: `
DROP TRIGGER job_counted;
DROP TRIGGER job_recounted;
DROP TRIGGER job_uncounted;
DELETE FROM job_count WHERE state IN ('queued', 'running', 'waiting');
`,
  },
  {
    name: "0023-results-sealed",
    formerNames: ["0074-results-sealed"],
    sql: "ALTER TABLE job ADD COLUMN result_secret BLOB;",
  },
  // Open jobs are a range of job_state, too.
  { name: "0026-open-states-once", sql: "DROP INDEX job_open_state;" },
];

/** Jobs that have no packets, or none with sealed octets. */
export type BareJobs = KeptRows<"no packets" | "nothing sealed">;

/** Changes of a job's packets at its end. */
interface PacketsOfJobs {
  packet: { job: string; secret: Uint8Array | null };
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
  bare: BareJobs,
): JobRepository {
  const sessionJobs = new SessionJobs(s);
  // Of targets that had none once.
  const openJobs = new KeptRows<number>(s);
  // Targets without a deferred job.
  const undeferred = new KeptRows<true>(s);
  const db = s.tables<JobTables & PacketsOfJobs>();
  const hiding = hidingIn("job", () => seal);
  const results = hidingIn("job.result", () => seal);
  const jobOf = (row: Selectable<JobTables["job"]>) => jobIn(row, hiding, results);
  const byId = s.prepare((id: string) => db.selectFrom("job").selectAll().where("id", "=", id));
  const byKey = s.prepare((key: string) => db.selectFrom("job").selectAll().where("idempotency_key", "=", key));
  const add = s.prepareRow((row: Insertable<JobTables["job"]>) => db.insertInto("job").values(row));
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
  const dueAgain = (now: number) =>
    db
      .updateTable("job")
      .set({ not_before: now })
      .where(stillOpen)
      .where(queued)
      .where("not_before", ">", now)
      .where("note", "is not", null);
  const resumeNoted = s.prepare((target: string, note: string, now: number) =>
    db
      .updateTable("job")
      .set({ not_before: now })
      .where("target", "=", target)
      .where(queued)
      .where("not_before", ">", now)
      .where("note", "=", note),
  );
  const deferAlike = s.prepare(
    (
      target: string,
      lane: Job["lane"],
      seq: number,
      request: string,
      kind: Job["work"]["kind"],
      now: number,
      until: number,
      note: string,
    ) =>
      db
        .updateTable("job")
        .set({ not_before: sql<number>`min(${until}, valid_until)`, note })
        .where("target", "=", target)
        .where("lane", "=", lane)
        .where("seq", ">", seq)
        .where(stillOpen)
        .where(queued)
        .where("not_before", "<=", now)
        .where("request", "=", request)
        .where(sql<boolean>`work ->> '$.kind' = ${kind}`),
  );
  const resumeAll = s.prepare((now: number) => dueAgain(now));
  const resumeOf = s.prepare((target: string, now: number) => dueAgain(now).where("target", "=", target));
  const deferred = s.prepare((target: string) =>
    db
      .selectFrom("job")
      .select("seq")
      .where("target", "=", target)
      .where(queued)
      .where("note", "is not", null)
      .orderBy("lane", "desc")
      .orderBy("seq")
      .limit(1),
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
  const ofKey: JobRepository["ofKey"] = async (key, digest) => {
    const before = await byKey.first(key);
    if (before === undefined) return undefined;
    const same = digest === undefined || before.idempotency_digest === null || before.idempotency_digest === digest;
    return { job: jobOf(before), same };
  };
  return {
    ofKey,
    async insert(job, idempotencyKey, digest) {
      const before = idempotencyKey === undefined ? undefined : await ofKey(idempotencyKey, digest);
      if (before !== undefined) return { ...before, created: false };
      const work = hiddenWork(hiding, job.id, job.work);
      const seq = await add.insert({
        id: job.id,
        target: job.target,
        state: job.state,
        lane: job.lane,
        origin_face: job.origin.face,
        work: work.text,
        secret: work.secret,
        request: toJson(octetText(job.request)),
        origin: toJson(job.origin),
        chosen: job.chosen === undefined ? null : toJson(job.chosen),
        attempts: job.attempts,
        not_before: job.notBefore,
        valid_until: job.validUntil,
        result: null,
        result_secret: null,
        error: null,
        note: job.note ?? null,
        warnings: job.warnings === undefined ? null : toJson(job.warnings),
        idempotency_key: idempotencyKey ?? null,
        idempotency_digest: digest ?? null,
        created_at: job.createdAt,
        started_at: job.startedAt ?? null,
        ended_at: null,
      });
      if (job.note !== undefined) undeferred.delete(job.target);
      bare.set(job.id, "no packets");
      const others = openJobs.get(job.target);
      if (others !== undefined) openJobs.set(job.target, others.value + 1);
      sessionJobs.inserted(job);
      return { job: { ...job, seq }, created: true, same: true };
    },
    async get(id) {
      const waiting = sessionJobs.find(id);
      if (waiting !== undefined) return waiting;
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
      if (changed) sessionJobs.changed(id, patch, was);
      if (was === undefined) undeferred.clear();
      else if ((patch.state ?? was.state) === "queued") undeferred.delete(was.target);
      if (!changed || patch.state === undefined || !endStates.includes(patch.state)) return changed;
      onEnded(patch.state, 1);
      const open = was && openJobs.get(was.target);
      if (was !== undefined && open !== undefined) openJobs.set(was.target, open.value - 1);
      if (was === undefined) openJobs.clear();
      if (bare.get(id) === undefined) await forgetOctets.run(id);
      bare.delete(id);
      return true;
    },
    async next(target, now, lanes) {
      const first = await firstDue(target);
      if (first === undefined || first > now) return undefined;
      const row = await nextIn(lanes).first(target, now);
      return row && jobOf(row);
    },
    async hasOpen(target) {
      const known = openJobs.get(target);
      if (known !== undefined) return known.value > 0;
      const some = (await anyOpen.first(target)) !== undefined;
      if (!some) openJobs.set(target, 0);
      return some;
    },
    async due(target, now, lanes, limit) {
      const rows = await fewIn([limit, ...lanes]).all(target, now);
      return rows.map(jobOf);
    },
    async openTargets() {
      const rows = await s.all(db.selectFrom("job").select("target").distinct().where(stillOpen));
      return rows.map((row) => stored<TargetId>(row.target));
    },
    async inState(states, limit) {
      const rows = await s.all(
        db.selectFrom("job").selectAll().where("state", "in", states).orderBy("seq").limit(limit),
      );
      return rows.map(jobOf);
    },
    async waitingForSession(target, limit) {
      const known = sessionJobs.first(target, limit);
      if (known !== undefined) return [...known];
      const wanted = Math.max(limit, sessionJobsAhead);
      const jobs = (await waitingUpTo(wanted).all(target)).map(jobOf);
      sessionJobs.read(target, jobs, jobs.length < wanted);
      return jobs.slice(0, limit);
    },
    async defer(job, now, until, note) {
      undeferred.delete(job.target);
      const { target, lane, seq, request, work } = job;
      await deferAlike.run(target, lane, seq, toJson(octetText(request)), work.kind, now, until, note);
    },
    async resume(target, now) {
      await (target === undefined ? resumeAll.run(now) : resumeOf.run(target, now));
    },
    async letGo(target, note, now) {
      if (undeferred.get(target) !== undefined) return;
      if ((await deferred.first(target)) === undefined) undeferred.set(target, true);
      else await resumeNoted.run(target, note, now);
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
