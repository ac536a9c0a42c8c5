import { systemClock } from "../base/clock.ts";
import type { JobId } from "../base/id.ts";
import { feedJob } from "../gateway/job-effects.ts";
import type { SealSource } from "../store/open-database.ts";
import { SqliteStore } from "../store/sqlite-store.ts";

/** The result of `store recover`. */
interface Recovered {
  /** Number of commits that the store lacks, if known. */
  readonly missing: number | undefined;
  /** Open jobs that were ended, since it is unknown whether they had been sent. */
  readonly endedJobs: readonly JobId[];
  /** Other changes, as text. */
  readonly notes: readonly string[];
}

const batch = 500;

/**
 * Makes a store usable that lacks commits: its counters are set to the marked values plus `raiseCounters`; open jobs
 * end with `job.interrupted`.
 * @throws store.*, crypto.master-key, config.secret
 */
export async function recoverStore(state: string, seal: SealSource, raiseCounters: number): Promise<Recovered> {
  const notes: string[] = [];
  const warn = (_facts: object, text: string) => void notes.push(text);
  await using store = await SqliteStore.open(state, seal, { warn, recover: { raiseCounters } });
  const endedJobs: JobId[] = [];
  for (;;) {
    const ended = await store.write(async (r) => {
      const open = await r.jobs.inState(["queued", "running", "waiting"], batch);
      for (const job of open) await feedJob(r, job, { kind: "ended", at: systemClock.now(), end: lost });
      return open.map(({ id }) => id);
    });
    if (ended.length === 0) break;
    endedJobs.push(...ended);
  }
  return { missing: store.missing, endedJobs, notes };
}

const lost = {
  state: "failed",
  error: {
    code: "job.interrupted",
    message: "the store lost the state of this job: it may have been sent, or may already have ended",
    executed: "unknown",
    detail: {},
  },
} as const;
