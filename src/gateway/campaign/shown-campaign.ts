import { shownApdus, shownParams, shownWork } from "../jobs/shown-job.ts";
import type { Campaign, CampaignAction, CampaignItem, ItemStep } from "../model/campaign.ts";
import { type WrittenFailure, writtenFailure } from "../model/failure.ts";

/** The action of a campaign without the keys and passwords in its commands and parameters. */
export function shownAction(action: CampaignAction): CampaignAction {
  if (action.kind === "script") return { ...action, apdus: shownApdus(action.apdus) };
  return action.kind === "es5" && action.params !== undefined
    ? { ...action, params: shownParams(action.params) }
    : action;
}

/** The steps for one target without keys and passwords. */
function shownSteps(steps: readonly ItemStep[]): readonly ItemStep[] {
  return steps.map(({ work, ...step }) => ({
    ...step,
    work: work.kind === "es5" ? { ...work, params: shownParams(work.params) } : shownWork(work),
  }));
}

/**
 * A campaign for display: without keys and passwords, and without the idempotency key of the request that started it.
 */
export function shownCampaign({ idempotency: _, ...campaign }: Campaign): Campaign {
  return { ...campaign, order: { ...campaign.order, action: shownAction(campaign.order.action) } };
}

/** A target of a campaign as in answers and reports. */
export type ShownItem = Omit<CampaignItem, "error"> & { readonly error?: WrittenFailure };

/** A target of a campaign without secrets, for display. */
export function shownItem({ error, ...item }: CampaignItem): ShownItem {
  return {
    ...item,
    steps: shownSteps(item.steps),
    ...(error === undefined ? {} : { error: writtenFailure(error) }),
  };
}
