import { z } from "zod";
import { failureInShort, first as since } from "./facts.ts";

const campaign = z.string().describe("Id of the campaign");

const changed = z.object({
  campaign,
  name: z.string(),
  targets: z.number().int().optional().describe("Number of its targets, when it starts"),
  reason: z.string().optional(),
});

const itemEnded = z.object({
  campaign,
  label: z.string().describe("Name of the target in the report"),
  error: failureInShort.optional(),
  note: z.string().optional(),
});

/** Campaigns and their targets. */
export const campaignEvents = {
  "campaign.running": { text: "A campaign started or was resumed", since, data: changed },
  "campaign.paused": { text: "A campaign was paused", since, data: changed },
  "campaign.stopped": { text: "A campaign stopped at its failure threshold", since, data: changed },
  "campaign.cancelled": { text: "A campaign was cancelled", since, data: changed },
  "campaign.done": { text: "Every target of a campaign has its outcome", since, data: changed },
  "campaign.target-succeeded": { text: "A target of a campaign succeeded", since, data: itemEnded },
  "campaign.target-failed": { text: "A target of a campaign failed", since, data: itemEnded },
  "campaign.target-skipped": { text: "A target of a campaign needed nothing", since, data: itemEnded },
  "campaign.target-cancelled": { text: "A target of a campaign was cancelled", since, data: itemEnded },
} as const;
