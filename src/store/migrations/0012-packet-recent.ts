/** An index of the newest packets without an answer, of any target: the sender of a response may be unknown. */
export const packetRecent = {
  name: "0012-packet-recent",
  formerNames: ["0031-packet-recent"],
  sql: `
CREATE INDEX packet_recent ON packet(created_at) WHERE state <> 'answered';
`,
} as const;
