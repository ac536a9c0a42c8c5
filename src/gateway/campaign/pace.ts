import type { Campaign, CampaignState, ItemCounts } from "../model/campaign.ts";

/** How many targets to start now, and whether the campaign changes its state. */
interface Pace {
  readonly start: number;
  readonly change?: { readonly state: CampaignState; readonly reason?: string };
}

/** A share of failures is not meaningful before this many targets were tried. */
const minSample = 10;

/** Targets that have ended, with any outcome. */
function endedItems(counts: ItemCounts): number {
  return counts.succeeded + counts.failed + counts.skipped + counts.cancelled;
}

/** Decides from the results so far how a campaign continues. */
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
  // Only canaries have been started: they are evaluated by themselves.
  const ofCanaries = canary > 0 && canary < total && started <= canary;
  const failures = counts.failed - campaign.forgiven;
  const sample = ofCanaries ? canary : Math.max(counts.succeeded + counts.failed, Math.min(minSample, total));
  // Without a limit for their failures, canaries would have no effect.
  const limit = stopAtFailureShare ?? (ofCanaries ? 0 : undefined);
  if (limit !== undefined && failures > 0 && failures / sample > limit) {
    const stage = ofCanaries ? "of the canary stage" : "of those tried";
    return { start: 0, change: { state: "stopped", reason: `${failures} of ${sample} ${stage} failed` } };
  }
  const open = inCanary ? Math.max(0, canary - started) : counts.pending;
  return { start: Math.min(open, Math.max(0, concurrency - counts.running)) };
}

/** The progress of a campaign. */
export interface Progress {
  readonly counts: ItemCounts;
  readonly total: number;
  readonly ended: number;
  readonly stage: "canary" | "all";
  readonly activeMs: number;
  /** Estimated time left at the speed so far; absent before the first target ended. */
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
