/**
 * The network's report of a message unchanged, the client's own data_coding, and the reference that a network without
 * message ids echoes in its receipts.
 */
export const smscNetwork = {
  name: "0013-smsc-network",
  formerNames: ["0033-smsc-network"],
  sql: `
ALTER TABLE smsc_message ADD COLUMN data_coding INTEGER;
ALTER TABLE smsc_message ADD COLUMN network TEXT;
ALTER TABLE smsc_conversation ADD COLUMN data_coding INTEGER;
ALTER TABLE packet_part ADD COLUMN echo INTEGER;
ALTER TABLE packet_part ADD COLUMN number TEXT;
ALTER TABLE packet_part ADD COLUMN said TEXT;
CREATE INDEX packet_part_echo ON packet_part(link, number) WHERE echo IS NOT NULL;
`,
} as const;
