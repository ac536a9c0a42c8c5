/** Events to be delivered to upstream SM-SRs. */
export const upstream = {
  name: "0006-upstream",
  formerNames: ["0011-upstream"],
  sql: `
CREATE TABLE instance (id TEXT NOT NULL) STRICT;
INSERT INTO instance VALUES (lower(hex(randomblob(8))));
CREATE TABLE upstream_cursor (upstream TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE upstream_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, upstream TEXT NOT NULL, lane TEXT NOT NULL,
  type TEXT NOT NULL, body TEXT NOT NULL, attempts INTEGER NOT NULL, not_before INTEGER NOT NULL,
  created_at INTEGER NOT NULL, error TEXT, dead_at INTEGER
) STRICT;
CREATE UNIQUE INDEX upstream_outbox_id ON upstream_outbox(upstream, id);
CREATE INDEX upstream_outbox_lane ON upstream_outbox(upstream, lane, seq) WHERE dead_at IS NULL;
CREATE INDEX upstream_outbox_dead ON upstream_outbox(upstream, seq) WHERE dead_at IS NOT NULL;
`,
} as const;
