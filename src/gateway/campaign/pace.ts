import type { Campaign, CampaignState, ItemCounts } from "../model/campaign.ts";

/** How many targets to start now, and whether the campaign changes its state. */
interface Pace {
  readonly start: number;
  readonly change?: { readonly state: CampaignState; readonly reason?: string };
}

/** A share of failures states little before so many targets were tried. */
const smallestSample = 10;

/** Targets that have come to an end, however. */
function endedItems(counts: ItemCounts): number {
  return counts.succeeded + counts.failed + counts.skipped + counts.cancelled;
}

/** Decides how a campaign continues from how its targets fared so far. */
export function pace(campaign: Campaign, counts: ItemCounts): Pace {
  const { concurrency, canary, stopAtFailureShare } = campaign.order;
  const idle = counts.running === 0;
  if (campaign.state === "cancelled" || campaign.state === "done") return { start: 0 };
  if (idle && counts.pending === 0) return { start: 0, change: { state: "done" } };
  if (campaign.state !== "running") return { start: 0 };
  const ended = endedItems(counts);
  const started = ended + counts.running;
  const total = started + counts.pending;
  const inCanary = canary > 0 && canary < total && ended < canary;
  // Nothing else has been started yet: the canaries are judged by themselves.
  const ofCanaries = canary > 0 && canary < total && started <= canary;
  const failures = counts.failed - campaign.forgiven;
  const sample = ofCanaries ? canary : Math.max(counts.succeeded + counts.failed, Math.min(smallestSample, total));
  // Canaries that may fail as they please would be none.
  const limit = stopAtFailureShare ?? (ofCanaries ? 0 : undefined);
  if (limit !== undefined && failures > 0 && failures / sample > limit) {
    const stage = ofCanaries ? "of the canary stage" : "of those tried";
    return { start: 0, change: { state: "stopped", reason: `${failures} of ${sample} ${stage} failed` } };
  }
  const open = inCanary ? Math.max(0, canary - started) : counts.pending;
  return { start: Math.min(open, Math.max(0, concurrency - counts.running)) };
}

/** How far a campaign is. */
export interface Progress {
  readonly counts: ItemCounts;
  readonly total: number;
  readonly ended: number;
  readonly stage: "canary" | "all";
  readonly activeMs: number;
  /** Time left at the speed so far; absent before the first target ended. */
  readonly remainingMs?: number;
}

export function progressOf(campaign: Campaign, counts: ItemCounts, now: number): Progress {
  const ended = endedItems(counts);
  const total = ended + counts.running + counts.pending;
  const { canary } = campaign.order;
  const activeMs = campaign.activeMs + (campaign.activeSince === undefined ? 0 : now - campaign.activeSince);
  const left = total - ended;
  const open = campaign.state !== "done" && campaign.state !== "cancelled";
  return {
    counts,
    total,
    ended,
    stage: canary > 0 && canary < total && ended < canary ? "canary" : "all",
    activeMs,
    ...(open && ended > 0 && activeMs > 0 ? { remainingMs: Math.round((left * activeMs) / ended) } : {}),
  };
}
