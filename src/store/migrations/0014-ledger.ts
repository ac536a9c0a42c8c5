/**
 * Data for checks of completeness: the number of commits, how often the store was opened, and a probe sealed with the
 * master key.
 */
export const ledger = {
  name: "0014-ledger",
  formerNames: ["0060-ledger"],
  sql: `
CREATE TABLE ledger (commits INTEGER NOT NULL, opened INTEGER NOT NULL, probe BLOB) STRICT;
INSERT INTO ledger VALUES (0, 0, NULL);
`,
} as const;
