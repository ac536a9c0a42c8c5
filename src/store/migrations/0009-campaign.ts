/** Campaigns and the outcome of each of their targets. */
export const campaign = {
  name: "0009-campaign",
  formerNames: ["0021-campaign"],
  sql: `
CREATE TABLE campaign (id TEXT PRIMARY KEY, state TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX campaign_open ON campaign(id) WHERE state IN ('running', 'paused', 'stopped', 'cancelled');
CREATE TABLE campaign_item (
  campaign TEXT NOT NULL REFERENCES campaign(id) ON DELETE CASCADE, position INTEGER NOT NULL, target TEXT NOT NULL,
  state TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (campaign, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_item_state ON campaign_item(campaign, state, position);
`,
} as const;
