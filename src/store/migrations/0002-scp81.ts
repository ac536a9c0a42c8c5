/** The state of the administration dialog with each card. */
export const scp81 = {
  name: "0002-scp81",
  sql: `
CREATE TABLE admin_dialog (target TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX job_https ON job(target, lane DESC, seq) WHERE state = 'waiting';
`,
} as const;
