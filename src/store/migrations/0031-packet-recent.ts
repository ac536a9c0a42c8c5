/** The newest packets without an answer, of whatever target: a response may come from a sender that is unknown. */
export const packetRecent = {
  name: "0031-packet-recent",
  sql: `
CREATE INDEX packet_recent ON packet(created_at) WHERE state <> 'answered';
`,
} as const;
