import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { asGatewayError, GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { CampaignId, TargetId } from "../../base/id.ts";
import { KeyedQueue } from "../../base/keyed-queue.ts";
import type { Log } from "../../link/driver.ts";
import type { Campaign, CampaignItem } from "../model/campaign.ts";
import type { GatewayEvent } from "../model/event.ts";
import type { EventType } from "../model/event-catalogue.ts";
import { openFailure } from "../model/failure.ts";
import type { JobQueue } from "../model/new-job.ts";
import type { NotificationMode } from "../model/notification-mode.ts";
import type { Repositories, Store } from "../model/store.ts";
import { type ItemOutcome, refuseItem, startItem, stepItem } from "./item.ts";
import { pace } from "./pace.ts";
import { planFor } from "./plan.ts";
import { putCampaign } from "./state-change.ts";

interface CampaignRunnerDeps {
  readonly store: Store;
  readonly jobs: JobQueue;
  readonly clock: Clock;
  readonly log: Log;
  /** Default for targets without a notification mode of their own. */
  readonly notifications: NotificationMode;
  /** Time between two checks of the deadlines. */
  readonly tickMs?: number;
}

/** @throws campaign.state */
async function notCancelled(r: Repositories, id: CampaignId): Promise<void> {
  if ((await r.campaigns.get(id))?.state === "cancelled")
    throw new GatewayError("campaign.state", "the campaign is cancelled", { detail: { campaign: id } });
}

function withoutPhase({ phase: _, ...item }: CampaignItem): CampaignItem {
  return item;
}

/** Outcome of a target that a cancelled campaign did not reach. */
const notStarted = { state: "cancelled", note: "not started", card: { executed: false } } as const;

/** Events after which an item of a campaign may have its next step. */
const interesting: ReadonlySet<string> = new Set<EventType>([
  "job.done",
  "job.failed",
  "job.expired",
  "job.cancelled",
  "switch.accepted",
  "switch.switched",
  "switch.confirmed",
  "switch.rolled-back",
  "switch.lapsed",
]);

/**
 * Drives campaigns. Its whole state is in the store, so a restart continues where it was. The job of a step has an
 * idempotency key of campaign, target and step, so it cannot be sent twice.
 */
export class CampaignRunner {
  readonly #deps: CampaignRunnerDeps;
  readonly #queue = new KeyedQueue<CampaignId>();
  /** Campaigns to be processed, with the targets concerned or `all` running ones. */
  readonly #dirty = new Map<CampaignId, Set<TargetId> | "all">();
  /** Running targets by id, and the campaigns they run in. */
  readonly #running = new Map<TargetId, Set<CampaignId>>();
  readonly #open = new Set<CampaignId>();
  #off: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: CampaignRunnerDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { store, tickMs = 1000 } = this.#deps;
    this.#off = store.onEvents((events) => this.#noteEvents(events));
    const open = await store.read((r) => r.campaigns.open());
    for (const { id } of open) this.look(id);
    this.#timer = setInterval(() => {
      for (const id of this.#open) this.look(id);
    }, tickMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#off?.();
    clearInterval(this.#timer);
    await this.#queue.idle();
  }

  /** Processes all running targets of a campaign. */
  look(id: CampaignId): void {
    this.#mark(id, "all");
  }

  /** Cancels the jobs of a cancelled campaign that have not left. */
  async cancelled(id: CampaignId): Promise<void> {
    const { store, jobs } = this.#deps;
    const running = await store.read((r) => r.campaigns.items(id, { state: ["running"] }, undefined, 10_000));
    for (const { phase, job } of running) {
      if (phase !== "job" || job === undefined) continue;
      await jobs.cancel(job, { unsentOnly: true }).catch((error: unknown) => {
        // It was sent or has ended: the item is followed to its end.
        if (!isGatewayError(error, "job.state")) this.#warn(id, error);
      });
    }
    this.look(id);
  }

  #noteEvents(events: readonly GatewayEvent[]): void {
    for (const { type, target } of events) {
      if (target === undefined || !interesting.has(type)) continue;
      for (const id of this.#running.get(target) ?? []) this.#mark(id, target);
    }
  }

  #mark(id: CampaignId, what: TargetId | "all"): void {
    if (this.#stopped) return;
    const before = this.#dirty.get(id);
    this.#open.add(id);
    if (what === "all") this.#dirty.set(id, "all");
    else if (before === undefined) this.#dirty.set(id, new Set([what]));
    else if (before !== "all") before.add(what);
    if (before !== undefined) return;
    detach(
      this.#queue.run(id, () => this.#work(id)),
      (error) => this.#warn(id, error),
    );
  }

  async #work(id: CampaignId): Promise<void> {
    const what = this.#dirty.get(id) ?? "all";
    this.#dirty.delete(id);
    if (this.#stopped) return;
    const { store } = this.#deps;
    const found = await store.read((r) => r.campaigns.get(id));
    if (found === undefined) return;
    const running = await store.read((r) => r.campaigns.items(id, { state: ["running"] }, undefined, 10_000));
    for (const item of running) {
      this.#track(item);
      if (what === "all" || what.has(item.target)) await this.#advance(found, item);
    }
    if (found.state === "cancelled") await this.#giveUpPending(id);
    await this.#continue(id);
  }

  /** Starts the targets that may be started; ends or stops the campaign when its state requires it. */
  async #continue(id: CampaignId): Promise<void> {
    const { store } = this.#deps;
    for (;;) {
      const now = await this.#paced(id);
      if (now === undefined || this.#stopped) return;
      const { campaign, counts, start, change } = now;
      const over = counts.pending === 0 && counts.running === 0;
      if (over || ((change?.state ?? campaign.state) !== "running" && counts.running === 0)) this.#open.delete(id);
      if (start === 0) return;
      const next = await store.read((r) => r.campaigns.items(id, { state: ["pending"] }, undefined, start));
      if (next.length === 0) return;
      await Promise.all(next.map((item) => this.#begin(campaign, item)));
    }
  }

  /**
   * The state and progress of the campaign; a change of state is decided in the unit of work that stores it, so that a
   * pause or a cancel stays.
   */
  async #paced(id: CampaignId) {
    const { store, clock } = this.#deps;
    const look = async (r: Repositories) => {
      const campaign = await r.campaigns.get(id);
      if (campaign === undefined) return undefined;
      const counts = await r.campaigns.counts(id);
      const given = campaign.state === "cancelled" && campaign.endedAt === undefined && counts.running === 0;
      return { campaign, counts, given, ...pace(campaign, counts) };
    };
    const seen = await store.read(look);
    if (seen?.change === undefined && seen?.given !== true) return seen;
    return store.write(async (r) => {
      const now = await look(r);
      if (now?.change !== undefined) {
        const { reason: _, ...rest } = now.campaign;
        const ended = now.change.state === "done" ? { endedAt: clock.now() } : {};
        await putCampaign(r, now.campaign, { ...rest, ...now.change, ...ended }, clock.now());
      } else if (now?.given === true) await r.campaigns.put({ ...now.campaign, endedAt: clock.now() });
      return now;
    });
  }

  /** Starts a pending item if the campaign still runs; false when it was paused, stopped or cancelled meanwhile. */
  #claim(item: CampaignItem): Promise<boolean> {
    return this.#deps.store.write(async (r) => {
      if ((await r.campaigns.get(item.campaign))?.state !== "running") return false;
      await r.campaigns.putItem(item);
      return true;
    });
  }

  async #begin(campaign: Campaign, item: CampaignItem): Promise<void> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const target = await store.read((r) => r.targets.get(item.target));
    if (target === undefined) {
      const error = { code: "target.unknown", message: "the target was removed", executed: false, detail: {} } as const;
      return this.#put(refuseItem({ ...item, startedAt: now }, error, now));
    }
    const plan = planFor(campaign.order.action, target);
    if (plan.kind === "skip")
      return this.#put({
        ...item,
        state: "skipped",
        note: plan.note,
        card: { executed: false },
        startedAt: now,
        endedAt: now,
      });
    if (plan.kind === "fail") return this.#put(refuseItem({ ...item, startedAt: now }, plan.error, now));
    const started = startItem(item, plan.steps, now);
    if (await this.#claim(started.item)) await this.#perform(campaign, started);
  }

  async #advance(campaign: Campaign, item: CampaignItem): Promise<void> {
    const { store, clock, notifications } = this.#deps;
    if (item.job === undefined) return this.#perform(campaign, { item, effect: "submit-step" });
    const { job, stepJob = job } = item;
    const known = await store.read(async (r) => ({
      job: await r.jobs.get(job),
      profileSwitch: await r.profileSwitches.ofJob(stepJob),
      target: await r.targets.get(item.target),
    }));
    const mode = known.target?.settings.notifications ?? notifications;
    const outcome = stepItem(item, {
      now: clock.now(),
      ...withoutUndefined({ job: known.job, profileSwitch: known.profileSwitch, target: known.target }),
      switchTimeoutMs: campaign.order.switchTimeoutMs,
      confirmedElsewhere: mode !== "local",
    });
    if (outcome.item === item && outcome.effect === "none") return;
    // One answer may take the item several phases further.
    await this.#perform(campaign, outcome);
    if (outcome.effect === "none" && outcome.item.state === "running") await this.#advance(campaign, outcome.item);
  }

  async #perform(campaign: Campaign, { item, effect }: ItemOutcome): Promise<void> {
    if (effect === "none") return this.#put(item);
    const { jobs, clock } = this.#deps;
    const { switchTimeoutMs, request, validityMs } = campaign.order;
    const step = item.steps[item.step];
    if (step === undefined) return;
    const audit = effect === "submit-audit";
    this.#track(item);
    try {
      const { job } = await jobs.submit({
        target: item.target,
        work: audit ? { kind: "es5", function: "auditStatus" } : step.work,
        request: {
          ...request,
          switchTimeoutMs,
          ...(audit ? { onAnswerLost: "repeat" as const } : {}),
          ...withoutUndefined({ tolerate: step.tolerate }),
        },
        origin: { face: "campaign", reference: campaign.id },
        validityMs,
        // A cancel that came before anything was ordered stays in force.
        ...(item.jobs.length === 0 ? { when: (r: Repositories) => notCancelled(r, campaign.id) } : {}),
        idempotencyKey: `${campaign.id}.${item.position}.${item.step}${audit ? `.audit${item.jobs.length}` : ""}`,
      });
      const ordered = item.jobs.includes(job.id) ? item.jobs : [...item.jobs, job.id];
      await this.#put({ ...item, job: job.id, jobs: ordered, ...(audit ? {} : { stepJob: job.id }) });
    } catch (thrown) {
      const error = asGatewayError(thrown);
      if (error.retry !== "never") throw thrown;
      if (error.code === "campaign.state")
        return this.#put({ ...withoutPhase(item), ...notStarted, endedAt: clock.now() });
      // A refused order was never sent; an earlier error of the item belongs to a job that was.
      const refused = { ...openFailure(error), executed: false };
      await this.#put(refuseItem(item, item.error ?? refused, clock.now()));
    }
  }

  async #giveUpPending(id: CampaignId): Promise<void> {
    const { store, clock } = this.#deps;
    for (;;) {
      const pending = await store.read((r) => r.campaigns.items(id, { state: ["pending"] }, undefined, 1000));
      if (pending.length === 0) return;
      await store.write(async (r) => {
        for (const item of pending) await r.campaigns.putItem({ ...item, ...notStarted, endedAt: clock.now() });
      });
    }
  }

  async #put(item: CampaignItem): Promise<void> {
    const { store, clock } = this.#deps;
    await store.write(async (r) => {
      await r.campaigns.putItem(item);
      if (item.state === "running" || item.state === "pending") return;
      await r.events.append({
        at: clock.now(),
        type: `campaign.target-${item.state}`,
        target: item.target,
        data: {
          campaign: item.campaign,
          label: item.label,
          ...(item.error === undefined ? {} : { error: { code: item.error.code, message: item.error.message } }),
          ...withoutUndefined({ note: item.note }),
        },
      });
    });
    this.#track(item);
  }

  /** Records which campaigns the events of a target concern. */
  #track({ target, campaign, state }: CampaignItem): void {
    const campaigns = this.#running.get(target) ?? new Set();
    if (state === "running") this.#running.set(target, campaigns.add(campaign));
    else if (campaigns.delete(campaign) && campaigns.size === 0) this.#running.delete(target);
  }

  #warn(id: CampaignId, error: unknown): void {
    const { code, message } = asGatewayError(error);
    this.#deps.log.warn({ campaign: id, code, message }, "failed to continue a campaign; trying again");
  }
}
