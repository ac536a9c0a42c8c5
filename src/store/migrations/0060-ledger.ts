/**
 * What indicates whether the store is whole: how many commits it has taken, how often it was opened, and something
 * sealed with the master key.
 */
export const ledger = {
  name: "0060-ledger",
  sql: `
CREATE TABLE ledger (commits INTEGER NOT NULL, opened INTEGER NOT NULL, probe BLOB) STRICT;
INSERT INTO ledger VALUES (0, 0, NULL);
`,
} as const;
