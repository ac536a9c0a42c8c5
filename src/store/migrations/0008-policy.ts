/** Warnings from the EIS when a job was accepted; profile switches that have not ended. */
export const policy = {
  name: "0008-policy",
  formerNames: ["0020-policy"],
  sql: `
ALTER TABLE job ADD COLUMN warnings TEXT;
ALTER TABLE procedure ADD COLUMN state TEXT NOT NULL DEFAULT 'confirmed';
UPDATE procedure SET state = body ->> '$.at';
CREATE INDEX procedure_open ON procedure(accepted_at) WHERE state IN ('accepted', 'switched');
CREATE INDEX procedure_accepted ON procedure(accepted_at);
`,
} as const;
