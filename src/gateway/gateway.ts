import type { Clock } from "../base/clock.ts";
import { detach } from "../base/detach.ts";
import { asGatewayError, GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { newId } from "../base/id.ts";
import type { Log } from "../link/driver.ts";
import { reported } from "../link/reported.ts";
import { checkPolicy } from "./eis/policy.ts";
import { Inbound } from "./inbound/inbound.ts";
import { Dispatcher } from "./jobs/dispatcher.ts";
import { type EndJob, endJobOver } from "./jobs/end-job.ts";
import { concernsQueue } from "./jobs/queue-events.ts";
import { cancelJobIn, expireJob } from "./jobs/stop-job.ts";
import { targetOfCard } from "./links/card-holder.ts";
import type { HttpsBearer } from "./links/https-bearer.ts";
import { LinkBackoff } from "./links/link-backoff.ts";
import { type Link, Links } from "./links/links.ts";
import { chooseRoute, type HttpsState, type Route, routeLinks } from "./links/routing.ts";
import { openFailure } from "./model/failure.ts";
import type { Job } from "./model/job.ts";
import type { JobQueue, NewJob } from "./model/new-job.ts";
import type { Store } from "./model/store.ts";
import type { Target } from "./model/target.ts";
import { confirmationsOver } from "./notifications/confirmation.ts";
import { Notifications } from "./notifications/notifications.ts";
import { Answers } from "./scp80/answers.ts";
import { segmentsOf } from "./scp80/secured-packet.ts";
import { SmsRun } from "./scp80/sms-run.ts";
import type { SmsDefaults } from "./scp80/submit-packet.ts";
import { resolveWork } from "./scripts/resolve-work.ts";
import { pollAfterSwitch } from "./switches/poll-after-switch.ts";
import { SwitchWatch } from "./switches/switch-watch.ts";
import { findTarget } from "./targets/target-lookup.ts";

export interface GatewayDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly sms: SmsDefaults;
  readonly notifications: "bench" | "relay" | "withhold";
}

const defaultValidityMs = 24 * 3_600_000;
const noHttps: HttpsState = { open: false, possible: false };

/** The use cases of the gateway, for all faces. */
export class Gateway implements JobQueue {
  readonly links = new Links();
  readonly store: Store;
  readonly inbound: Inbound;
  readonly desk: Notifications;
  readonly endJob: EndJob;
  readonly log: Log;
  https: HttpsBearer | undefined;
  readonly #deps: GatewayDeps;
  readonly #answers = new Answers();
  readonly #comebacks: LinkBackoff;
  readonly #smsRun: SmsRun;
  readonly #dispatcher: Dispatcher;
  readonly #procedures: SwitchWatch;
  /** Targets whose next job waits for a link. */
  readonly #blocked = new Set<string>();

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.store = deps.store;
    this.log = deps.log;
    this.endJob = endJobOver(deps.store, deps.clock);
    this.#comebacks = new LinkBackoff(deps.clock);
    this.desk = new Notifications({
      queueConfirmation: confirmationsOver(this.links),
      defaultMode: deps.notifications,
      kick: (target) => this.#dispatcher.kick(target),
      store: deps.store,
      clock: deps.clock,
    });
    this.#smsRun = new SmsRun({
      store: deps.store,
      clock: deps.clock,
      random: deps.random,
      log: deps.log,
      links: this.links,
      answers: this.#answers,
      comebacks: this.#comebacks,
      endJob: this.endJob,
      defaults: deps.sms,
    });
    this.#dispatcher = new Dispatcher({
      store: deps.store,
      clock: deps.clock,
      log: deps.log,
      run: (job, signal) => this.#run(job, signal),
      heldUntil: (target) => this.#heldUntil(target),
      expire: (job) => this.#expire(job),
    });
    this.inbound = new Inbound({
      store: deps.store,
      clock: deps.clock,
      log: deps.log,
      answers: this.#answers,
      notifications: this.desk,
      kick: (target) => this.#dispatcher.kick(target),
    });
    this.#procedures = new SwitchWatch({
      store: deps.store,
      clock: deps.clock,
      log: deps.log,
      kick: (target) => this.#dispatcher.kick(target),
    });
    this.store.onEvents((events) => {
      for (const event of events) {
        if (event.target !== undefined && concernsQueue(event)) this.#dispatcher.kick(event.target);
        // A convenience: without it the next poll finds the same.
        if (event.type === "procedure.accepted" && event.target !== undefined)
          detach(pollAfterSwitch({ ...deps, links: this.links }, event.target), () => {});
      }
    });
    this.links.onChange((change) => {
      if (change.kind === "removed") this.#comebacks.removed(change.id);
      else
        detach(this.#linkChanged(change.link), reported(deps.log, "jobs could not be woken", { link: change.link.id }));
    });
  }

  /** Takes up what an earlier process left open. */
  async start(): Promise<void> {
    await this.store.write(async (r) => {
      for (const job of await r.jobs.inState(["running", "waiting"], 1_000_000)) {
        if (job.chosen?.bearer === "https") continue;
        await r.jobs.patch(job.id, {
          state: "queued",
          notBefore: this.#deps.clock.now(),
          note: "taken up after a restart",
        });
      }
      await r.jobs.resume(undefined, this.#deps.clock.now());
    });
    this.inbound.work();
    this.#procedures.start();
    await this.#dispatcher.start();
  }

  /** Brings running work to a durable point. */
  async stop(): Promise<void> {
    await this.#procedures.stop();
    await this.#dispatcher.stop(new GatewayError("job.interrupted", "the daemon stops"));
    await this.inbound.stop();
  }

  /** A bearer's items go this way; for a reader the card in it says who sent them, a modem brings those of other devices. */
  attach(link: Link): void {
    link.bearer?.onInbound(async (item) => {
      const card = link.kind === "reader" ? this.links.find(link.id)?.card : undefined;
      const target = card === undefined ? undefined : await this.targetOfCard(card);
      await this.inbound.accept(link.id, item, target?.id);
    });
    this.links.add(link);
  }

  /** The target whose card this is. */
  async targetOfCard(card: NonNullable<Link["card"]>): Promise<Target | undefined> {
    return this.store.read((r) => targetOfCard(r, card));
  }

  /** Accepts a job durably. @throws target.unknown, api.usage, api.idempotency, target.invalid, target.policy */
  async submit(order: NewJob): Promise<{ job: Job; created: boolean }> {
    const now = this.#deps.clock.now();
    const accepted = await this.store.write(async (r) => {
      await order.when?.(r);
      const target = await findTarget(r, order.target);
      const asked = typeof order.work === "function" ? await order.work(r, target) : order.work;
      const work = resolveWork(asked, target);
      const { refusal, warnings: ofPolicy } = checkPolicy(target, work);
      const warnings = [...ofPolicy, ...this.links.warningsOf(order.request?.link)];
      const job: Omit<Job, "seq"> = {
        id: newId("job", now),
        target: target.id,
        state: "queued",
        lane: "normal",
        work,
        request: { bearer: "auto", maxPackets: 4, ...order.request },
        origin: order.origin,
        attempts: 0,
        notBefore: now,
        validUntil: now + (order.validityMs ?? defaultValidityMs),
        ...(warnings.length === 0 ? {} : { warnings }),
        createdAt: now,
      };
      const result = await r.jobs.insert(job, order.idempotencyKey, order.idempotencyDigest);
      if (!result.same) throw keyReused(result.job.id);
      // An order that was accepted once is answered again, whatever the rules are now.
      if (result.created && refusal !== undefined) throw refusal;
      if (result.created)
        await r.events.append({
          at: now,
          type: "job.queued",
          target: target.id,
          job: job.id,
          data: { origin: order.origin },
        });
      return result;
    });
    if (accepted.created) this.#dispatcher.kick(accepted.job.target);
    return accepted;
  }

  /**
   * Cancels a job that has not ended; with `unsentOnly`, only when certainly nothing of it left.
   * @throws job.unknown, job.state
   */
  async cancel(id: string, options: { readonly unsentOnly?: boolean } = {}): Promise<Job> {
    const outcome = await this.store.write((r) => cancelJobIn(r, id, this.#deps.clock.now(), options));
    const job = await this.job(id);
    if (outcome !== "cancelled") {
      const why = outcome === "ended" ? "has ended" : "may have reached its card";
      throw new GatewayError("job.state", `job ${id} ${why}`, { detail: { state: job.state } });
    }
    this.#comebacks.over(job);
    this.#dispatcher.interrupt(job.target, id, new GatewayError("job.cancelled", "the job was cancelled"));
    return job;
  }

  /** @throws job.unknown */
  async job(id: string): Promise<Job> {
    const job = await this.store.read((r) => r.jobs.get(id));
    if (job === undefined) throw new GatewayError("job.unknown", `no job '${id}'`, { detail: { job: id } });
    return job;
  }

  /** Looks at the target's queue. */
  kick(target: string): void {
    this.#dispatcher.kick(target);
  }

  /** Makes the target's queue run now instead of at its next try. */
  async wake(target: string): Promise<void> {
    await this.#resume(target, 0);
  }

  async #resume(target: string, earliest: number): Promise<void> {
    this.#blocked.delete(target);
    await this.store.write((r) => r.jobs.resume(target, Math.max(earliest, this.#deps.clock.now())));
    this.#dispatcher.kick(target);
  }

  /** A link that came up may have a way for what is blocked, and for what it let down before. */
  async #linkChanged(link: Link): Promise<void> {
    const noteLinkState = this.#comebacks.noteLinkState(link);
    if (!link.state.up) return;
    const blocked = [...this.#blocked].map((target) => this.#resume(target, this.#comebacks.earliest(target)));
    const holds = noteLinkState && link.card !== undefined ? await this.targetOfCard(link.card) : undefined;
    const back = noteLinkState ? this.#comebacks.take(link, holds?.id) : [];
    await Promise.all([...blocked, ...back.map(({ target, earliest }) => this.#resume(target, earliest))]);
  }

  async #run(job: Job, signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#deps;
    this.#comebacks.over(job);
    try {
      const target = await store.read((r) => r.targets.get(job.target));
      if (target === undefined) {
        await this.endJob(job.id, {
          state: "failed",
          error: { code: "target.unknown", message: "the target is gone", detail: {} },
        });
        return;
      }
      if (clock.now() >= job.validUntil) return await this.#expire(job);
      const { refusal } = job.attempts === 0 ? checkPolicy(target, job.work) : { refusal: undefined };
      if (refusal !== undefined) {
        await this.endJob(job.id, { state: "failed", error: openFailure(refusal) });
        return;
      }
      const route = await this.#route(job, target);
      if (route.at === "blocked") return await this.#block(job, route.why, "and those like it");
      if (route.bearer === "https" && this.https !== undefined) return await this.https.enqueue(job, target, route.why);
      // A packet that has left goes on: the session's trigger may wait for its place.
      if (job.lane === "normal" && !(await this.#hasPacket(job.id)) && (await this.#sessionGoesFirst(job))) {
        return await this.#block(job, "waits for earlier jobs of the SCP81 session");
      }
      await this.#smsRun.run(job, target, route, signal);
    } catch (thrown) {
      await this.#runFailed(job, thrown, signal);
    }
  }

  async #runFailed(job: Job, thrown: unknown, signal: AbortSignal): Promise<void> {
    if (isGatewayError(signal.reason, "job.expired")) return this.#expire(job);
    if (signal.aborted) return;
    const error = asGatewayError(thrown);
    if (error.code === "api.internal")
      this.#deps.log.error(
        { job: job.id, err: thrown instanceof Error ? thrown.stack : String(thrown) },
        "a job failed by a bug",
      );
    if (error.retry === "never") {
      await this.endJob(job.id, { state: "failed", error: openFailure(error) });
      return;
    }
    await this.#block(job, `${error.code}: ${error.message}`);
  }

  async #expire(job: Job): Promise<void> {
    this.#comebacks.over(job);
    await expireJob(this.store, job.id, this.#deps.clock.now());
  }

  /** Whether a reader, modem or SMSC would carry the job now. */
  bySms(job: Job, target: Target): boolean {
    const request = { ...job.request, bearer: "short-message" } as const;
    return chooseRoute(target, job.work, request, routeLinks(this.links.list()), noHttps, 0).at === "found";
  }

  async #route(job: Job, target: Target): Promise<Route> {
    const links = routeLinks(this.links.list());
    const state = (await this.https?.state(target)) ?? noHttps;
    const https = { ...state, inVain: job.chosen !== undefined };
    // A packet that may have left binds its job to bearers that carry these octets again, and nothing else.
    const bound = job.attempts > 0 && job.request.bearer === "auto" && (await this.#hasPacket(job.id));
    const request = bound ? { ...job.request, bearer: "short-message" as const } : job.request;
    return chooseRoute(target, job.work, request, links, https, segmentsOf(job, target));
  }

  async #hasPacket(job: string): Promise<boolean> {
    const packets = await this.store.read((r) => r.packets.ofJob(job));
    return packets.some((packet) => packet.state !== "abandoned" && packet.transmissions > 0);
  }

  /** Jobs of one target run in order: those that wait for a session go before later ones by SMS. */
  async #sessionGoesFirst(job: Job): Promise<boolean> {
    const [first] = await this.store.read((r) => r.jobs.waitingForSession(job.target, 1));
    return first !== undefined && first.seq < job.seq;
  }

  /** Tries again when a link changes, at the latest after a while. What has no way is the same for jobs like it. */
  async #block(job: Job, why: string, whom: "alone" | "and those like it" = "alone"): Promise<void> {
    const { clock, store } = this.#deps;
    this.#blocked.add(job.target);
    const now = clock.now();
    const until = now + 15_000;
    await store.write(async (r) => {
      await r.jobs.patch(job.id, { state: "queued", note: why, notBefore: Math.min(until, job.validUntil) });
      if (whom === "and those like it") await r.jobs.defer(job, now, until, why);
    });
  }

  async #heldUntil(target: string): Promise<number> {
    const procedure = await this.store.read((r) => r.profileSwitches.latest(target));
    if (procedure === undefined || (procedure.at !== "accepted" && procedure.at !== "switched")) return 0;
    return procedure.holdUntil;
  }
}

function keyReused(job: string): GatewayError {
  return new GatewayError("api.idempotency", "Idempotency-Key: it stands for another order already", {
    detail: { field: "Idempotency-Key", job },
  });
}
