/** Sessions that were requested without a job, so that the requests survive a restart. */
export const wantedSession = {
  name: "0010-wanted-session",
  formerNames: ["0022-wanted-session"],
  sql: `
CREATE TABLE wanted_session (
  target TEXT PRIMARY KEY REFERENCES target(id) ON DELETE CASCADE, since INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
} as const;
