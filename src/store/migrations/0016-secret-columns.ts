/** Columns for the sealed parts of records. */
export const secretColumns = {
  name: "0016-secret-columns",
  formerNames: ["0061-secret-columns"],
  sql: `
ALTER TABLE target ADD COLUMN secret BLOB;
ALTER TABLE job ADD COLUMN secret BLOB;
ALTER TABLE packet ADD COLUMN secret BLOB;
ALTER TABLE campaign ADD COLUMN secret BLOB;
ALTER TABLE campaign_item ADD COLUMN secret BLOB;
ALTER TABLE admin_dialog ADD COLUMN secret BLOB;
CREATE INDEX target_secret ON target(id) WHERE secret IS NOT NULL;
CREATE INDEX job_secret ON job(id) WHERE secret IS NOT NULL;
CREATE INDEX campaign_secret ON campaign(id) WHERE secret IS NOT NULL;
`,
} as const;
