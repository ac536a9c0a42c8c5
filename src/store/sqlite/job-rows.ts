import type { Generated, Selectable } from "kysely";
import { withoutUndefined } from "../../base/defined.ts";
import type { JobId, TargetId } from "../../base/id.ts";
import { octetText } from "../../base/octet-text.ts";
import { shownWork } from "../../gateway/jobs/shown-job.ts";
import { readFailure, type StoredFailure, writtenFailure } from "../../gateway/model/failure.ts";
import type { Job, JobPatch, JobResult, JobState } from "../../gateway/model/job.ts";
import type { Hidden, Hiding } from "../hiding.ts";
import { fromJson, toJson } from "../json.ts";
import {
  readRequest,
  readResult,
  readWork,
  type WrittenRequest,
  type WrittenResult,
  type WrittenWork,
} from "../octet-rows.ts";
import { stored } from "../stored.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
export interface JobTables {
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
    /** The result, if it has no data of the card or was stored by an older version; otherwise it is sealed. */
    result: string | null;
    /** Sealed: the result, if it contains data of the card, which may be keys. */
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

export function jobIn(row: Selectable<JobTables["job"]>, hiding: Hiding, results: Hiding): Job {
  return {
    seq: row.seq,
    id: stored<JobId>(row.id),
    target: stored<TargetId>(row.target),
    state: stored<JobState>(row.state),
    lane: stored<Job["lane"]>(row.lane),
    work: readWork(hiding.open<WrittenWork>(row.id, row.secret) ?? fromJson<WrittenWork>(row.work)),
    request: readRequest(fromJson<WrittenRequest>(row.request)),
    origin: fromJson<Job["origin"]>(row.origin),
    ...(row.chosen === null ? {} : { chosen: fromJson<NonNullable<Job["chosen"]>>(row.chosen) }),
    attempts: row.attempts,
    notBefore: row.not_before,
    validUntil: row.valid_until,
    ...(row.result === null
      ? {}
      : { result: readResult(results.open<WrittenResult>(row.id, row.result_secret) ?? fromJson(row.result)) }),
    ...(row.error === null ? {} : { error: readFailure(fromJson<StoredFailure>(row.error)) }),
    ...(row.note === null ? {} : { note: row.note }),
    ...(row.warnings === null ? {} : { warnings: fromJson<string[]>(row.warnings) }),
    createdAt: row.created_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

/** The work of an open job in its stored form. */
export function hiddenWork(hiding: Hiding, id: string, work: Job["work"]): Hidden {
  const shown = shownWork(work);
  return hiding.hide(id, octetText(shown), shown === work ? undefined : octetText(work));
}

/** A compact response without data: number of commands and last status word. TS 102 226 §5.1.2 */
const bareResponseOctets = 3;

/** Whether a result contains data of the card, which may be keys; status words are none. */
function holdsData({ commands, data, answer }: JobResult): boolean {
  if (answer !== undefined || commands.some((command) => command.data.length > 0)) return true;
  return data !== undefined && (commands.length !== 1 || data.length > bareResponseOctets);
}

/** A result in its stored form: one without data of the card is not sealed. */
function resultColumns(id: string, result: JobResult, results: Hiding) {
  const empty = !holdsData(result);
  const written = octetText(result);
  const { text, secret } = results.hide(id, empty ? written : {}, empty ? undefined : written);
  return { result: text, result_secret: secret };
}

export function columns(id: string, patch: JobPatch, results: Hiding) {
  return {
    ...withoutUndefined({ state: patch.state }),
    ...(patch.chosen === undefined ? {} : { chosen: toJson(patch.chosen) }),
    ...withoutUndefined({ attempts: patch.attempts, not_before: patch.notBefore }),
    ...(patch.result === undefined ? {} : resultColumns(id, patch.result, results)),
    ...(patch.error === undefined ? {} : { error: toJson(writtenFailure(patch.error)) }),
    ...withoutUndefined({ note: patch.note, started_at: patch.startedAt, ended_at: patch.endedAt }),
  };
}
