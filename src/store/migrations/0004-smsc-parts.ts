/**
 * Destination and network reference of each part of a packet; segments that wait for the others of their message;
 * conversations by the client's own address, since a client may have several and a target several clients.
 */
export const smscParts = {
  name: "0004-smsc-parts",
  formerNames: ["0005-smsc-parts"],
  sql: `
CREATE TABLE packet_part (
  packet TEXT NOT NULL, position INTEGER NOT NULL, transmission INTEGER NOT NULL, link TEXT NOT NULL,
  network_reference TEXT, state TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (packet, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX packet_part_reference ON packet_part(link, network_reference) WHERE network_reference IS NOT NULL;
DROP INDEX smsc_message_job;
ALTER TABLE smsc_message ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE smsc_message ADD COLUMN valid_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX smsc_message_of_job ON smsc_message(job, position) WHERE job <> '';
CREATE INDEX smsc_message_due ON smsc_message(valid_until) WHERE final_at IS NULL;
CREATE TABLE smsc_segment (
  message TEXT PRIMARY KEY, message_of TEXT NOT NULL, sequence INTEGER NOT NULL, total INTEGER NOT NULL,
  body TEXT NOT NULL, due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX smsc_segment_message ON smsc_segment(message_of, sequence);
CREATE INDEX smsc_segment_due ON smsc_segment(due_at);
DROP TABLE smsc_conversation;
CREATE TABLE smsc_conversation (
  target TEXT NOT NULL, client TEXT NOT NULL, number TEXT NOT NULL, ours TEXT NOT NULL, theirs TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (target, client, number)
) STRICT, WITHOUT ROWID;
`,
} as const;
