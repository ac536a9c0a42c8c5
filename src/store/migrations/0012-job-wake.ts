/** When the queued jobs of a target are due, without a look at each of them. */
export const jobWake = {
  name: "0012-job-wake",
  sql: `
CREATE INDEX job_wake ON job(target, not_before) WHERE state = 'queued';
`,
} as const;
