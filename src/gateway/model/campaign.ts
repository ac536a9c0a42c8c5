import type { CampaignId, JobId, TargetId } from "../../base/id.ts";
import type { Aid, Tar } from "../../codec/euicc/aid.ts";
import type { Iccid } from "../../codec/euicc/iccid.ts";
import type { Executed, JobFailure } from "./failure.ts";
import type { JobRequest, JobWork } from "./job.ts";

/** How a profile is found in the EIS of each target: all given criteria must match. */
export interface ProfileChoice {
  readonly aid?: Aid;
  /** First digits of the ICCID. */
  readonly iccidPrefix?: string;
  readonly mnoId?: string;
}

/** The action on each target. */
export type CampaignAction =
  | {
      readonly kind: "es5";
      readonly function: string;
      /** The profile that the function applies to, chosen per target. */
      readonly profile?: ProfileChoice;
      readonly params?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "script";
      readonly tar: Tar;
      readonly aid?: Aid;
      readonly apdus: readonly Uint8Array[];
    }
  /** From one operator's profile to another's; the old one is kept or deleted once the switch is confirmed. */
  | {
      readonly kind: "move";
      readonly from: ProfileChoice;
      readonly to: ProfileChoice;
      readonly old: "keep" | "delete";
    };

/** Which targets take part. */
export type CampaignTargets =
  | { readonly kind: "all" }
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "list"; readonly references: readonly string[] };

/** One action for many targets, as ordered. */
export interface CampaignOrder {
  readonly name: string;
  readonly targets: CampaignTargets;
  readonly action: CampaignAction;
  readonly request: Partial<JobRequest>;
  /** Targets worked on at the same time. */
  readonly concurrency: number;
  /** Number of targets that run first; the others start only if these succeed. 0 = no canary stage. */
  readonly canary: number;
  /** No further target is started once more than this share has failed (0 to 1). */
  readonly stopAtFailureShare?: number;
  /** How long a job of the campaign may wait for its card. */
  readonly validityMs: number;
  /** How long a profile switch may take from its acceptance to its confirmation. */
  readonly switchTimeoutMs: number;
}

/** `stopped` = too many failures; it can be resumed like a paused one. */
export type CampaignState = "running" | "paused" | "stopped" | "cancelled" | "done";

export interface Campaign {
  readonly id: CampaignId;
  readonly order: CampaignOrder;
  /** The client's idempotency key, and a digest of what was ordered. */
  readonly idempotency?: { readonly key: string; readonly digest: string };
  readonly state: CampaignState;
  /** Why it is in this state for display. */
  readonly reason?: string;
  /** Number of failures that no longer count since the campaign was resumed after a stop. */
  readonly forgiven: number;
  readonly createdAt: number;
  readonly endedAt?: number;
  /** Time spent running before {@link activeSince}, for the estimate. */
  readonly activeMs: number;
  /** Since when it runs now. */
  readonly activeSince?: number;
}

export type ItemState = "pending" | "running" | "succeeded" | "failed" | "skipped" | "cancelled";

/** One thing to do to a target; steps of an item are done in order. */
export interface ItemStep {
  /** ES5 function or `script`. */
  readonly name: string;
  readonly work:
    | JobWork
    | { readonly kind: "es5"; readonly function: string; readonly params: Readonly<Record<string, unknown>> };
  /** The switch that the step starts must end with this ISD-P enabled; `undefined` for a disable leaves it open. */
  readonly switches?: { readonly to?: Aid };
  /** The ISD-P that the step removes. */
  readonly deletes?: Aid;
  readonly tolerate?: readonly string[];
}

/** Facts about a card when its item of a campaign has ended. */
export interface CardFacts {
  /** Whether the card carried out the step at which the item ended. */
  readonly executed: Executed;
  /** The profile that is enabled now; absent when a switch may have happened that was not reported. */
  readonly enabled?: { readonly aid: Aid; readonly iccid?: Iccid };
}

/** One target of a campaign. */
export interface CampaignItem {
  readonly campaign: CampaignId;
  /** Order in which targets are started, from 0. */
  readonly position: number;
  readonly target: TargetId;
  /** EID, ICCID or name for display. */
  readonly label: string;
  readonly state: ItemState;
  readonly steps: readonly ItemStep[];
  /** Index of the step it is at. */
  readonly step: number;
  /** `job`: a job of the step is open; `switch`: the profile switch is followed; `audit`: the card is audited. */
  readonly phase?: "job" | "switch" | "audit";
  /** The job that the phase waits for. */
  readonly job?: JobId;
  /** The job of the step when `job` is an audit. */
  readonly stepJob?: JobId;
  /** All its jobs, in order. */
  readonly jobs: readonly JobId[];
  readonly deadline?: number;
  readonly error?: JobFailure;
  /** How the outcome was determined, if that is not obvious. */
  readonly note?: string;
  readonly card?: CardFacts;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

export type ItemCounts = Readonly<Record<ItemState, number>>;

export interface CampaignRepository {
  insert(campaign: Campaign, items: readonly CampaignItem[]): Promise<void>;
  put(campaign: Campaign): Promise<void>;
  get(id: CampaignId): Promise<Campaign | undefined>;
  /** The campaign with a client's idempotency key. */
  byIdempotencyKey(key: string): Promise<Campaign | undefined>;
  /** Newest first. */
  list(before: string | undefined, limit: number): Promise<Campaign[]>;
  /** Campaigns that have not ended. */
  open(): Promise<Campaign[]>;
  putItem(item: CampaignItem): Promise<void>;
  /** In order of position, from `after` on. */
  items(
    campaign: CampaignId,
    filter: { readonly state?: readonly ItemState[] },
    after: number | undefined,
    limit: number,
  ): Promise<CampaignItem[]>;
  counts(campaign: CampaignId): Promise<ItemCounts>;
}
