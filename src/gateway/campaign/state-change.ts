import { withoutUndefined } from "../../base/defined.ts";
import type { Campaign } from "../model/campaign.ts";
import type { Repositories } from "../model/store.ts";

/** Stores a campaign whose state changed, updates its working time, and appends the event. */
export async function putCampaign(r: Repositories, before: Campaign, after: Campaign, now: number): Promise<void> {
  const { activeSince, ...rest } = after;
  const activeMs = before.activeMs + (before.activeSince === undefined ? 0 : now - before.activeSince);
  await r.campaigns.put({ ...rest, activeMs, ...(after.state === "running" ? { activeSince: now } : {}) });
  const { id, state, reason } = after;
  const data = { campaign: id, name: after.order.name, ...withoutUndefined({ reason }) };
  await r.events.append({ at: now, type: `campaign.${state}`, data });
}
