/** The counters of packets that cards secured: the highest accepted one, by key set. */
export const heardCounters = {
  name: "0018-heard-counters",
  formerNames: ["0063-heard-counters"],
  sql: "ALTER TABLE key_set ADD COLUMN heard_cntr INTEGER;",
} as const;
