/**
 * Jobs are counted as they end, once for each commit: a trigger made SQLite keep a journal for each statement. An index
 * that was there twice goes.
 */
export const cheaperWrites = {
  name: "0070-cheaper-writes",
  sql: `
DROP TRIGGER job_counted;
DROP TRIGGER job_recounted;
DROP TRIGGER job_uncounted;
DELETE FROM job_count WHERE state IN ('queued', 'running', 'waiting');
DROP INDEX packet_recent;
`,
} as const;
