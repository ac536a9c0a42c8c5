import { withoutUndefined } from "../../base/defined.ts";
import type { Aid } from "../../codec/euicc/aid.ts";
import type { CampaignItem, CardFacts, ItemStep } from "../model/campaign.ts";
import { enabledProfile } from "../model/target.ts";
import type { ItemFacts } from "./item-facts.ts";

/** Facts about the card when an item, `before` this change, has ended at `step`. */
export function cardFacts(before: CampaignItem, ended: CampaignItem, step: ItemStep, facts: ItemFacts): CardFacts {
  const executed = executedStep(before, ended, step, facts);
  if (!knowsEnabled(before, step, facts, executed)) return { executed };
  const profile = facts.target === undefined ? undefined : enabledProfile(facts.target);
  if (profile === undefined) return { executed };
  const { aid, iccid } = profile;
  return { executed, enabled: { aid, ...withoutUndefined({ iccid }) } };
}

function executedStep(
  before: CampaignItem,
  ended: CampaignItem,
  step: ItemStep,
  facts: ItemFacts,
): CardFacts["executed"] {
  const { error, state } = ended;
  if (state === "succeeded" || facts.profileSwitch !== undefined) return true;
  // The switch was accepted: otherwise the item would not have waited for it.
  if (error?.code === "campaign.no-switch" || error?.code === "campaign.rolled-back") return true;
  const said = error?.executed ?? false;
  if (typeof said === "boolean" || !audited(before, facts)) return said;
  const { switches, deletes } = step;
  if (deletes !== undefined) return !hasProfile(facts, deletes);
  const now = facts.target === undefined ? undefined : enabledProfile(facts.target)?.aid;
  return switches?.to === undefined ? said : now === switches.to;
}

/** The card answered an audit. */
function audited({ phase }: CampaignItem, { job }: ItemFacts): boolean {
  return phase === "audit" && job?.state === "done";
}

function hasProfile({ target }: ItemFacts, aid: Aid): boolean {
  return target?.esimProfiles.some((profile) => profile.aid === aid) ?? true;
}

/** The EIS is trusted unless a switch may have happened that neither a notification nor an audit reported. */
function knowsEnabled(
  before: CampaignItem,
  { switches }: ItemStep,
  facts: ItemFacts,
  executed: CardFacts["executed"],
): boolean {
  if (switches === undefined || executed === false || audited(before, facts)) return true;
  const { profileSwitch } = facts;
  return (
    profileSwitch?.at === "confirmed" || profileSwitch?.at === "rolled-back" || profileSwitch?.switchedAt !== undefined
  );
}
