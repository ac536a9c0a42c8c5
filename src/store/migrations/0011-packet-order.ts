/** An index of open jobs that were tried before: a packet of theirs that was sent keeps its place before others. */
export const packetOrder = {
  name: "0011-packet-order",
  formerNames: ["0030-packet-order"],
  sql: `
CREATE INDEX job_tried ON job(target) WHERE state IN ('queued', 'running', 'waiting') AND attempts > 0;
`,
} as const;
