/** The counters of notifications that cards secured: the highest that was taken, by key set. */
export const heardCounters = {
  name: "0063-heard-counters",
  sql: "ALTER TABLE key_set ADD COLUMN heard_cntr INTEGER;",
} as const;
