/** Sessions that were asked for without a job, so that a restart continues asking. */
export const wantedSession = {
  name: "0022-wanted-session",
  sql: `
CREATE TABLE wanted_session (
  target TEXT PRIMARY KEY REFERENCES target(id) ON DELETE CASCADE, since INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
} as const;
