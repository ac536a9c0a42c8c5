/** Targets, keys, jobs, packets, inbox, notifications, profile switches, events. */
export const initial = {
  name: "0001-initial",
  formerNames: ["0001-first-light"],
  sql: `
CREATE TABLE target (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT UNIQUE, eid TEXT UNIQUE, iccid TEXT, imsi TEXT, msisdn TEXT,
  body TEXT NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE target_alias (
  alias TEXT NOT NULL, target TEXT NOT NULL REFERENCES target(id) ON DELETE CASCADE, kind TEXT NOT NULL,
  PRIMARY KEY (alias, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX target_alias_target ON target_alias(target);
CREATE TABLE key_set (
  id TEXT PRIMARY KEY, target TEXT NOT NULL REFERENCES target(id) ON DELETE CASCADE, type TEXT NOT NULL,
  kvn INTEGER NOT NULL, tars TEXT NOT NULL, algorithm TEXT NOT NULL, cc_length INTEGER NOT NULL,
  cntr INTEGER NOT NULL, psk_identity TEXT, material BLOB NOT NULL,
  UNIQUE (target, type, kvn, tars)
) STRICT;
CREATE INDEX key_set_psk ON key_set(psk_identity) WHERE psk_identity IS NOT NULL;
CREATE TABLE job (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, target TEXT NOT NULL, state TEXT NOT NULL,
  lane TEXT NOT NULL, origin_face TEXT NOT NULL, work TEXT NOT NULL, request TEXT NOT NULL, origin TEXT NOT NULL,
  chosen TEXT, attempts INTEGER NOT NULL, not_before INTEGER NOT NULL, valid_until INTEGER NOT NULL,
  result TEXT, error TEXT, note TEXT, idempotency_key TEXT, created_at INTEGER NOT NULL, started_at INTEGER,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX job_idempotency ON job(idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_open ON job(target, lane DESC, seq) WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX job_target ON job(target, seq);
CREATE INDEX job_state ON job(state, seq);
CREATE TABLE packet (
  id TEXT PRIMARY KEY, job TEXT NOT NULL, target TEXT NOT NULL, key_set TEXT, tar TEXT, cntr INTEGER, spi TEXT,
  kic TEXT, kid TEXT, user_data TEXT NOT NULL, state TEXT NOT NULL, link TEXT, transmissions INTEGER NOT NULL,
  response TEXT, created_at INTEGER NOT NULL, sent_at INTEGER, answered_at INTEGER
) STRICT;
CREATE INDEX packet_job ON packet(job);
CREATE INDEX packet_open ON packet(target, created_at) WHERE state <> 'answered';
CREATE UNIQUE INDEX packet_counter ON packet(key_set, cntr) WHERE key_set IS NOT NULL AND cntr IS NOT NULL;
CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, link TEXT NOT NULL, target TEXT,
  item TEXT NOT NULL, state TEXT NOT NULL, verdict TEXT, received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_open ON inbox(state, seq) WHERE state <> 'done';
CREATE TABLE notification (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, target TEXT, eid TEXT NOT NULL,
  type INTEGER NOT NULL, sequence TEXT NOT NULL, aid TEXT, imei TEXT, via TEXT NOT NULL, link TEXT NOT NULL,
  verified INTEGER NOT NULL, copies INTEGER NOT NULL, confirmation TEXT NOT NULL, confirm_job TEXT,
  raw TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, confirmed_at INTEGER
) STRICT;
CREATE INDEX notification_eid ON notification(eid, last_at);
CREATE INDEX notification_target ON notification(target, seq);
CREATE INDEX notification_job ON notification(confirm_job) WHERE confirm_job IS NOT NULL;
CREATE TABLE procedure (
  id TEXT PRIMARY KEY, target TEXT NOT NULL, job TEXT NOT NULL UNIQUE, body TEXT NOT NULL, accepted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX procedure_target ON procedure(target, accepted_at);
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, target TEXT, job TEXT, data TEXT NOT NULL
) STRICT;
`,
} as const;
