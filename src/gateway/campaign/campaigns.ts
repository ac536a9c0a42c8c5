import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { type CampaignId, newId } from "../../base/id.ts";
import { inTurns } from "../../base/turns.ts";
import { idempotencyOf } from "../jobs/job-order.ts";
import type {
  Campaign,
  CampaignItem,
  CampaignOrder,
  CampaignTargets,
  ItemCounts,
  ItemState,
} from "../model/campaign.ts";
import { unknownRecord } from "../model/identifiers.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { findTarget } from "../targets/target-lookup.ts";
import { parseCampaignOrder } from "./order.ts";
import { type Progress, progressOf } from "./pace.ts";
import { type CampaignReport, campaignReport } from "./report.ts";
import type { CampaignRunner } from "./runner.ts";
import { putCampaign } from "./state-change.ts";

/** A campaign with its progress. */
export interface ShownCampaign {
  readonly campaign: Campaign;
  readonly progress: Progress;
}

/** The ordering client, if it has a name, and the key that makes repeating the order safe. */
interface OrderedBy {
  readonly name?: string;
  readonly key: string;
}

/** What {@link Campaigns} needs. */
interface CampaignsDeps {
  readonly store: Store;
  readonly runner: CampaignRunner;
  readonly clock: Clock;
}

/** Items that are read at once for a report. */
const itemsAtOnce = 100;

/** Campaigns, for all faces. */
export class Campaigns {
  readonly #deps: CampaignsDeps;

  constructor(deps: CampaignsDeps) {
    this.#deps = deps;
  }

  /**
   * Orders a campaign, which starts at once. If the key was already used for the same order, returns that campaign.
   * @throws campaign.invalid, target.unknown, api.idempotency
   */
  async start(raw: unknown, client?: OrderedBy): Promise<ShownCampaign & { readonly created: boolean }> {
    const { store, runner, clock } = this.#deps;
    const order = parseCampaignOrder(raw);
    const idempotency = client && idempotencyFor(order, client);
    const now = clock.now();
    const id = newId("cmp", now);
    const campaign: Campaign = {
      id,
      order,
      ...withoutUndefined({ idempotency }),
      state: "running",
      forgiven: 0,
      createdAt: now,
      activeMs: 0,
      activeSince: now,
    };
    const before = await store.write(async (r) => {
      const same = idempotency && (await sameOrder(r, idempotency));
      if (same !== undefined) return same;
      const targets = await selected(r, order.targets);
      if (targets.length === 0) throw noTargets(order.targets);
      const items = targets.map(
        (target, position): CampaignItem => ({
          campaign: id,
          position,
          target: target.id,
          label: target.eid ?? target.iccid ?? target.name ?? target.id,
          state: "pending",
          steps: [],
          step: 0,
          jobs: [],
        }),
      );
      await r.campaigns.insert(campaign, items);
      const data = { campaign: id, name: order.name, targets: items.length };
      await r.events.append({ at: now, type: "campaign.running", data });
      return undefined;
    });
    if (before !== undefined) return { ...(await this.show(before.id)), created: false };
    runner.look(id);
    return { ...(await this.show(id)), created: true };
  }

  /** @throws campaign.unknown */
  async show(id: CampaignId): Promise<ShownCampaign> {
    return this.#deps.store.read((r) => this.#shown(r, id));
  }

  /** Newest first. */
  async list(before: string | undefined, limit: number): Promise<ShownCampaign[]> {
    return this.#deps.store.read(async (r) => {
      const now = this.#deps.clock.now();
      const found: ShownCampaign[] = [];
      for (const campaign of await r.campaigns.list(before, limit))
        found.push({ campaign, progress: progressOf(campaign, await r.campaigns.counts(campaign.id), now) });
      return found;
    });
  }

  /** @throws campaign.unknown */
  async items(
    id: CampaignId,
    state: readonly ItemState[] | undefined,
    after: number | undefined,
    limit: number,
  ): Promise<CampaignItem[]> {
    return this.#deps.store.read(async (r) => {
      await requireCampaign(r, id);
      return r.campaigns.items(id, withoutUndefined({ state }), after, limit);
    });
  }

  /** @throws campaign.unknown */
  async report(id: CampaignId): Promise<CampaignReport> {
    const campaign = await this.#deps.store.read((r) => requireCampaign(r, id));
    return campaignReport(campaign, this.#pieces(id), this.#deps.clock.now());
  }

  /** All items of a campaign, page by page. */
  async *#pieces(id: CampaignId): AsyncIterable<readonly CampaignItem[]> {
    let after: number | undefined;
    for (;;) {
      const found = await this.#deps.store.read((r) => r.campaigns.items(id, {}, after, itemsAtOnce));
      yield found;
      if (found.length < itemsAtOnce) return;
      after = found.at(-1)?.position;
    }
  }

  /** Starts no further targets; running ones continue. @throws campaign.unknown, campaign.state */
  async pause(id: CampaignId): Promise<ShownCampaign> {
    await this.#change(id, ["running"], (campaign) => ({
      ...campaign,
      state: "paused",
      reason: "paused by the operator",
    }));
    return this.show(id);
  }

  /** Continues after a pause or a stop; failures so far do not stop it again. @throws campaign.unknown, campaign.state */
  async resume(id: CampaignId): Promise<ShownCampaign> {
    await this.#change(id, ["paused", "stopped"], ({ reason: _, ...campaign }, counts) => ({
      ...campaign,
      state: "running",
      forgiven: campaign.state === "stopped" ? counts.failed : campaign.forgiven,
    }));
    return this.show(id);
  }

  /** Cancels targets that have not started, and jobs that were not sent. @throws campaign.unknown, campaign.state */
  async cancel(id: CampaignId): Promise<ShownCampaign> {
    await this.#change(id, ["running", "paused", "stopped"], (campaign) => ({
      ...campaign,
      state: "cancelled",
      reason: "cancelled by the operator",
    }));
    await this.#deps.runner.cancelled(id);
    return this.show(id);
  }

  async #change(
    id: CampaignId,
    from: readonly Campaign["state"][],
    to: (campaign: Campaign, counts: ItemCounts) => Campaign,
  ): Promise<void> {
    const { store, runner, clock } = this.#deps;
    await store.write(async (r) => {
      const campaign = await requireCampaign(r, id);
      if (!from.includes(campaign.state))
        throw new GatewayError("campaign.state", `the campaign is ${campaign.state}`, {
          detail: { campaign: id, state: campaign.state },
        });
      await putCampaign(r, campaign, to(campaign, await r.campaigns.counts(id)), clock.now());
    });
    runner.look(id);
  }

  async #shown(r: Repositories, id: CampaignId): Promise<ShownCampaign> {
    const campaign = await requireCampaign(r, id);
    return { campaign, progress: progressOf(campaign, await r.campaigns.counts(id), this.#deps.clock.now()) };
  }
}

function idempotencyFor(order: CampaignOrder, { name, key }: OrderedBy): NonNullable<Campaign["idempotency"]> {
  const { idempotencyKey, idempotencyDigest } = idempotencyOf(order, name, key);
  return { key: idempotencyKey, digest: idempotencyDigest };
}

/** The campaign with this idempotency key. @throws api.idempotency when the key was used for another order */
async function sameOrder(
  r: Repositories,
  { key, digest }: NonNullable<Campaign["idempotency"]>,
): Promise<Campaign | undefined> {
  const found = await r.campaigns.byIdempotencyKey(key);
  if (found === undefined || found.idempotency?.digest === digest) return found;
  throw new GatewayError("api.idempotency", "Idempotency-Key: was already used for a different request", {
    detail: { field: "Idempotency-Key", campaign: found.id },
  });
}

function noTargets(targets: CampaignTargets): GatewayError {
  const why = targets.kind === "tag" ? `no target has the tag '${targets.tag}'` : "there are no targets";
  return new GatewayError("campaign.invalid", `targets: ${why}`, { detail: { field: "targets" } });
}

async function requireCampaign(r: Repositories, id: CampaignId): Promise<Campaign> {
  const campaign = await r.campaigns.get(id);
  if (campaign === undefined) throw unknownRecord("cmp", id);
  return campaign;
}

/** Longest time that targets are read before other work gets its turn, milliseconds. */
const turnMs = 5;
/** Targets that are read at once. */
const readAtOnce = 100;

/** The targets of a campaign. Long reads yield to other readers; writers wait until the read ends. */
async function selected(r: Repositories, targets: CampaignTargets): Promise<Target[]> {
  const turn = inTurns(turnMs);
  if (targets.kind === "list") {
    const found = new Map<string, Target>();
    for (const reference of targets.references) {
      const target = await findTarget(r, reference);
      found.set(target.id, target);
      await turn();
    }
    return [...found.values()];
  }
  const filter = targets.kind === "tag" ? { tag: targets.tag } : {};
  const all: Target[] = [];
  for (let after: string | undefined; ; ) {
    const page = await r.targets.list(filter, after, readAtOnce);
    all.push(...page);
    after = page.at(-1)?.id;
    if (page.length < readAtOnce) return all;
    await turn();
  }
}
