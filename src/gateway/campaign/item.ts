import { withoutUndefined } from "../../base/defined.ts";
import type { CampaignItem, ItemStep } from "../model/campaign.ts";
import type { JobFailure } from "../model/failure.ts";
import { endStates, type Job } from "../model/job.ts";
import { enabledProfile } from "../model/target.ts";
import { cardFacts } from "./card-facts.ts";
import type { ItemFacts } from "./item-facts.ts";

/** The next action for the item. */
type ItemEffect = "none" | "submit-step" | "submit-audit";

export interface ItemOutcome {
  readonly item: CampaignItem;
  readonly effect: ItemEffect;
}

const answerLost = "the answer to the switch was lost; the card's notification reports it";

/** Starts a pending item. */
export function startItem(item: CampaignItem, steps: readonly ItemStep[], now: number): ItemOutcome {
  return { item: { ...item, state: "running", steps, step: 0, phase: "job", startedAt: now }, effect: "submit-step" };
}

/** The next state of a running item; facts that do not concern it leave it unchanged. */
export function stepItem(item: CampaignItem, facts: ItemFacts): ItemOutcome {
  const step = item.steps[item.step];
  if (item.state !== "running" || step === undefined) return { item, effect: "none" };
  const next = afterPhase(item, step, facts);
  if (next.item.state === "running") return next;
  return { ...next, item: { ...next.item, card: cardFacts(item, next.item, step, facts) } };
}

function afterPhase(item: CampaignItem, step: ItemStep, facts: ItemFacts): ItemOutcome {
  switch (item.phase) {
    case "job":
      return afterJob(item, step, facts);
    case "switch":
      return afterSwitch(item, step, facts);
    case "audit":
      return afterAudit(item, step, facts);
    default:
      return { item, effect: "none" };
  }
}

/** An item whose next job could not be ordered; the error contains the facts about its step. */
export function refuseItem(item: CampaignItem, error: JobFailure, now: number): CampaignItem {
  return { ...failItem(item, error, now), card: { executed: error.executed } };
}

function failItem(item: CampaignItem, error: JobFailure, now: number, note?: string): CampaignItem {
  return withChange(item, { state: "failed", error, endedAt: now, ...withoutUndefined({ note }) });
}

function afterJob(item: CampaignItem, step: ItemStep, facts: ItemFacts): ItemOutcome {
  const { job, now } = facts;
  if (job === undefined || !endStates.includes(job.state)) return { item, effect: "none" };
  if (job.state === "done") {
    if (step.switches === undefined) return advance(item, facts);
    return { item: { ...item, ...followed(item, facts) }, effect: "none" };
  }
  const error = failureOf(job);
  const { executed } = error;
  const doubtful = executed !== false;
  if (doubtful && facts.profileSwitch !== undefined) {
    return { item: { ...item, ...followed(item, facts), note: answerLost }, effect: "none" };
  }
  if (doubtful && (step.switches !== undefined || step.deletes !== undefined)) return askCard(item, error);
  if (job.state === "cancelled") return endedOutcome(withChange(item, { state: "cancelled", error, endedAt: now }));
  return endedOutcome(failItem(item, error, now));
}

function afterSwitch(item: CampaignItem, step: ItemStep, facts: ItemFacts): ItemOutcome {
  const { profileSwitch, now } = facts;
  const late = now >= (item.deadline ?? now);
  switch (profileSwitch?.at) {
    case "confirmed":
      return advance(item, facts);
    case "rolled-back": {
      const message = "the card had no service with the new profile and rolled back";
      const tookMs = (profileSwitch.endedAt ?? now) - profileSwitch.acceptedAt;
      const detail = { step: step.name, aid: profileSwitch.aid, tookMs };
      return endedOutcome(failItem(item, { code: "campaign.rolled-back", message, executed: true, detail }, now));
    }
    case "switched":
      if (late && facts.confirmedElsewhere)
        return advance({ ...item, note: "switched; whether it was confirmed is unknown to the gateway" }, facts);
      break;
    case "lapsed":
      return askCard(item, noSwitch(step, profileSwitch.switchedAt !== undefined));
    default:
  }
  if (!late) return { item, effect: "none" };
  const unclear = profileSwitch === undefined ? item.error : undefined;
  return askCard(item, unclear ?? noSwitch(step, profileSwitch?.at === "switched"));
}

function afterAudit(item: CampaignItem, step: ItemStep, facts: ItemFacts): ItemOutcome {
  const { job, now, target, profileSwitch } = facts;
  if (job === undefined || !endStates.includes(job.state)) return { item, effect: "none" };
  const error = item.error ?? failureOf(job);
  if (profileSwitch !== undefined && profileSwitch.at !== "lapsed" && error.code !== "campaign.no-switch")
    return { item: withChange(item, { ...followed(item, facts), note: answerLost }), effect: "none" };
  if (job.state !== "done" || target === undefined) {
    // No deadline yet: its notification, which may contain more than the answers, is still to be awaited.
    const wait = step.switches !== undefined && item.deadline === undefined;
    return wait
      ? { item: withChange(item, { ...followed(item, facts), error }), effect: "none" }
      : endedOutcome(failItem(item, error, now, unanswered(facts)));
  }
  if (step.deletes !== undefined) {
    const gone = !target.esimProfiles.some((profile) => profile.aid === step.deletes);
    const note = "the answer was lost; an audit shows that the profile was deleted";
    return gone
      ? advance(withChange(item, { note }), facts)
      : endedOutcome(failItem(item, error, now, "the card still has the profile"));
  }
  const enabled = enabledProfile(target);
  const shown = `the card's audit shows ${enabled?.iccid ?? enabled?.aid ?? "no profile"} enabled`;
  if (step.switches?.to === undefined || enabled?.aid !== step.switches.to)
    return endedOutcome(failItem(item, error, now, shown));
  // Switched, but not reported: without a confirmation the card switches back, so this is not a success yet.
  if (error.code === "campaign.no-switch" || profileSwitch?.at === "lapsed")
    return endedOutcome(failItem(item, error, now, `${shown}; without a confirmation it will roll back`));
  const note = "the answer to the switch was lost; an audit shows the switch";
  return { item: withChange(item, { ...followed(item, facts), note }), effect: "none" };
}

/** Facts about a card that did not answer an audit. */
function unanswered({ profileSwitch, target }: ItemFacts): string {
  const enabled = target === undefined ? undefined : enabledProfile(target);
  if (profileSwitch?.switchedAt === undefined || enabled === undefined)
    return "the state of the card is unknown: it did not answer an audit either";
  return `the card's notification shows ${enabled.iccid ?? enabled.aid} enabled; it did not answer an audit, and may roll back`;
}

/** From here on, the item follows the profile switch. */
function followed(item: CampaignItem, facts: ItemFacts) {
  return { state: item.state, phase: "switch", deadline: facts.now + facts.switchTimeoutMs } as const;
}

function advance(item: CampaignItem, facts: ItemFacts): ItemOutcome {
  const next = item.step + 1;
  if (next >= item.steps.length) return endedOutcome(withChange(item, { state: "succeeded", endedAt: facts.now }));
  return { item: withChange(item, { state: "running", step: next, phase: "job" }), effect: "submit-step" };
}

function askCard(item: CampaignItem, error: JobFailure): ItemOutcome {
  return { item: { ...item, phase: "audit", error }, effect: "submit-audit" };
}

function endedOutcome(item: CampaignItem): ItemOutcome {
  return { item, effect: "none" };
}

/** The item with these changes, without the fields of the phase that it leaves. */
function withChange(item: CampaignItem, change: Partial<CampaignItem>): CampaignItem {
  const { phase, deadline, error, job, stepJob, ...kept } = item;
  const sameStep = change.state === "running" && change.step === undefined;
  return { ...kept, ...(sameStep && stepJob !== undefined ? { job: stepJob, stepJob } : {}), ...change };
}

function failureOf(job: Job): JobFailure {
  return job.error ?? { code: "job.failed", message: `the job ended ${job.state}`, executed: "unknown", detail: {} };
}

function noSwitch(step: ItemStep, switched: boolean): JobFailure {
  const message = switched
    ? "the card reported the switch, but did not acknowledge its confirmation in time"
    : "the card accepted the switch but did not report it in time";
  return { code: "campaign.no-switch", message, executed: true, detail: { step: step.name } };
}
