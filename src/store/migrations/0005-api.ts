/** API tokens, the audit log, digests of the orders of idempotency keys, and counts of jobs by state. */
export const api = {
  name: "0005-api",
  formerNames: ["0010-api"],
  sql: `
CREATE TABLE api_token (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, scopes TEXT NOT NULL, created_at INTEGER NOT NULL,
  expires_at INTEGER, last_used_at INTEGER, revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_token_name ON api_token(name) WHERE revoked_at IS NULL;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, client TEXT, how TEXT, remote TEXT,
  operation TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER, error TEXT
) STRICT;
CREATE INDEX audit_client ON audit(client, seq);
ALTER TABLE job ADD COLUMN idempotency_digest TEXT;
CREATE TABLE job_count (state TEXT PRIMARY KEY, jobs INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO job_count SELECT state, count(*) FROM job GROUP BY state;
CREATE TRIGGER job_counted AFTER INSERT ON job BEGIN
  INSERT INTO job_count VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_recounted AFTER UPDATE OF state ON job WHEN OLD.state <> NEW.state BEGIN
  UPDATE job_count SET jobs = jobs - 1 WHERE state = OLD.state;
  INSERT INTO job_count VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_uncounted AFTER DELETE ON job BEGIN
  UPDATE job_count SET jobs = jobs - 1 WHERE state = OLD.state;
END;
CREATE INDEX job_open_state ON job(state, seq) WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX job_system ON job(target, seq) WHERE origin_face = 'system';
CREATE INDEX packet_open_all ON packet(created_at) WHERE state <> 'answered';
`,
} as const;
