/** Messages that SMPP clients submitted, their conversations with targets, and items that wait for them. */
export const smsc = {
  name: "0003-smsc",
  sql: `
CREATE TABLE smsc_message (
  id TEXT PRIMARY KEY, client TEXT NOT NULL, job TEXT NOT NULL, target TEXT NOT NULL, source TEXT NOT NULL,
  destination TEXT NOT NULL, receipt TEXT NOT NULL, intermediate INTEGER NOT NULL, user_reference INTEGER,
  state TEXT NOT NULL, error INTEGER NOT NULL, submitted_at INTEGER NOT NULL, final_at INTEGER
) STRICT;
CREATE UNIQUE INDEX smsc_message_job ON smsc_message(job);
CREATE INDEX smsc_message_open ON smsc_message(client, target) WHERE final_at IS NULL;
CREATE TABLE smsc_conversation (target TEXT PRIMARY KEY, client TEXT NOT NULL, ours TEXT NOT NULL, theirs TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE smsc_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, client TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX smsc_outbox_client ON smsc_outbox(client, seq);
`,
} as const;
