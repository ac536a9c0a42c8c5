/** An index for the time when the queued jobs of a target are due. */
export const jobWake = {
  name: "0007-job-wake",
  formerNames: ["0012-job-wake"],
  sql: `
CREATE INDEX job_wake ON job(target, not_before) WHERE state = 'queued';
`,
} as const;
