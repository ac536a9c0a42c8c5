import type { Clock } from "../base/clock.ts";
import { asGatewayError, type GatewayError, isGatewayError } from "../base/gateway-error.ts";
import type { JobId, TargetId } from "../base/id.ts";
import type { Log } from "../link/driver.ts";
import { checkPolicy } from "./eis/policy.ts";
import { blockedMs, deferNewJob } from "./jobs/defer-new-job.ts";
import { type Around, Dispatcher } from "./jobs/dispatcher.ts";
import { deferAlike, type FeedJob, makeDue, wasTaken } from "./jobs/feed-job.ts";
import { expireJob } from "./jobs/stop-job.ts";
import { targetOfCard } from "./links/card-holder.ts";
import type { HttpsBearer } from "./links/https-bearer.ts";
import { LinkBackoff } from "./links/link-backoff.ts";
import type { Link, Links } from "./links/links.ts";
import { chooseRoute, type HttpsState, type Route, routeLinks } from "./links/routing.ts";
import type { GatewayEvent } from "./model/event.ts";
import { type OpenFailure, openFailure } from "./model/failure.ts";
import { hasEnded, type Job } from "./model/job.ts";
import type { JobQueue, OrderKey } from "./model/new-job.ts";
import type { Repositories, Store } from "./model/store.ts";
import type { Target } from "./model/target.ts";
import type { Answers } from "./scp80/answers.ts";
import { beginJob } from "./scp80/begin-job.ts";
import { segmentsOf } from "./scp80/secured-packet.ts";
import { SmsRun } from "./scp80/sms-run.ts";
import type { SmsDefaults } from "./scp80/submit-packet.ts";

const noHttps: HttpsState = { open: false, possible: false };

/** What a {@link JobRunner} needs. */
interface JobRunnerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly links: Links;
  readonly answers: Answers;
  readonly feed: FeedJob;
  readonly sms: SmsDefaults;
  /** SCP81, once it is connected. */
  readonly https: () => HttpsBearer | undefined;
}

/** Runs jobs: takes the next of each target, chooses its bearer, and runs it over SMS or hands it to SCP81. */
export class JobRunner {
  readonly #deps: JobRunnerDeps;
  readonly #backoff: LinkBackoff;
  readonly #smsRun: SmsRun;
  readonly #dispatcher: Dispatcher;
  /** Targets whose next job waits for a link. */
  readonly #blocked = new Set<TargetId>();

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps;
    const { store, clock, log } = deps;
    this.#backoff = new LinkBackoff(clock);
    const feed: FeedJob = async (r, job, event) => {
      const taken = await deps.feed(r, job, event);
      if (wasTaken(taken) && hasEnded(taken.job)) this.#dispatcher.ended(taken.job);
      return taken;
    };
    this.#smsRun = new SmsRun({ ...deps, feed, backoff: this.#backoff, defaults: deps.sms });
    this.#dispatcher = new Dispatcher({
      store,
      clock,
      log,
      run: (job, around, signal) => this.#run(job, around, signal),
      expire: (job) => this.#expire(job),
    });
  }

  async start(): Promise<void> {
    await this.#dispatcher.start();
  }

  /** Brings running work to a durable point. */
  async stop(reason: GatewayError): Promise<void> {
    await this.#dispatcher.stop(reason);
  }

  /** Examines the target's queue. */
  kick(target: TargetId): void {
    this.#dispatcher.kick(target);
  }

  /** A job was stored for the target. */
  accepted(job: Job, target: Target): void {
    this.#dispatcher.accepted(job, target);
  }

  /** Applies an event of a commit. */
  noteEvent(event: GatewayEvent): void {
    this.#dispatcher.noteEvent(event);
  }

  /** Runs the target's queue now instead of at its next try. */
  async wake(target: TargetId): Promise<void> {
    await this.#resume(target, 0);
  }

  /** Ends the work on a job whose end is durable. */
  interrupt(job: Job, reason: GatewayError): void {
    this.#backoff.forget(job);
    this.#dispatcher.interrupt(job.target, job.id, reason);
  }

  /** Forgets targets that wait for a removed link. */
  linkRemoved(id: string): void {
    this.#backoff.removed(id);
  }

  async #resume(target: TargetId, earliest: number): Promise<void> {
    this.#blocked.delete(target);
    await this.#deps.store.write((r) => makeDue(r, target, Math.max(earliest, this.#deps.clock.now())));
    this.#dispatcher.kick(target);
  }

  /** A link that came up may carry blocked jobs, and jobs that failed over it before. */
  async linkChanged(link: Link): Promise<void> {
    const cameUp = this.#backoff.noteLinkState(link);
    if (!link.state.up) return;
    const blocked = [...this.#blocked].map((target) => this.#resume(target, this.#backoff.earliest(target)));
    const holds = cameUp && link.card !== undefined ? await this.#targetOfCard(link.card) : undefined;
    const back = cameUp ? this.#backoff.take(link, holds?.id) : [];
    await Promise.all([...blocked, ...back.map(({ target, earliest }) => this.#resume(target, earliest))]);
  }

  /** {@link JobQueue.begin} */
  async begin(...[r, job, target, key]: Parameters<JobQueue["begin"]>): ReturnType<JobQueue["begin"]> {
    const claim = this.#dispatcher.claim(target.id);
    if (claim === undefined) return undefined;
    try {
      const route = await this.#routeOfNew(job, target);
      // What the gateway secures is begun over a reader only; SMS takes longer than a commit anyway.
      const possible = route.at === "found" && (route.bearer === "envelope" || job.work.kind === "packet");
      const begun = possible ? await beginJob(r, job, target, route, key) : undefined;
      if (begun === undefined) {
        const resting = route.at === "blocked" && job.work.kind !== "packet";
        const deferred = resting ? await this.#deferNew(r, job, route.why, key) : undefined;
        if (deferred !== undefined) {
          const go = () => {
            claim.release();
            this.#dispatcher.deferred(deferred);
          };
          return { job: deferred, handover: { go, release: claim.release } };
        }
        claim.release();
        return undefined;
      }
      const run = async (under: Job, signal: AbortSignal) => {
        try {
          await this.#smsRun.carry({ ...begun, job: under }, target, signal);
        } catch (thrown) {
          await this.#runFailed(under, thrown, signal);
        }
      };
      return { job: begun.job, handover: { go: () => claim.run(begun.job, run), release: claim.release } };
    } catch (error) {
      claim.release();
      throw error;
    }
  }

  /** A link that comes up from now on resumes the job: its write follows this one. */
  #deferNew(r: Repositories, job: Omit<Job, "seq">, why: string, key: OrderKey | undefined): Promise<Job | undefined> {
    this.#blocked.add(job.target);
    return deferNewJob(r, job, why, key);
  }

  async #run(job: Job, { target, firstWaiting }: Around, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    this.#backoff.forget(job);
    try {
      if (target === undefined) {
        return await this.#fail(job, { code: "target.unknown", message: "the target was removed", detail: {} });
      }
      if (clock.now() >= job.validUntil) return await this.#expire(job);
      const { refusal } = job.attempts === 0 ? checkPolicy(target, job.work) : { refusal: undefined };
      if (refusal !== undefined) {
        return await this.#fail(job, openFailure(refusal));
      }
      const route = await this.#route(job, target);
      if (route.at === "blocked") return await this.#block(job, route.why, "and those like it");
      const https = this.#deps.https();
      if (route.bearer === "https" && https !== undefined) return await https.enqueue(job, target, route.why);
      // Jobs of one target run in order. A packet that was sent continues: the session's trigger may wait for its
      // place.
      const behind = job.lane === "normal" && firstWaiting !== undefined && firstWaiting.seq < job.seq;
      if (behind && !(await this.#hasPacket(job.id))) {
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
        "internal error in a job",
      );
    if (error.retry === "never") return this.#fail(job, openFailure(error));
    await this.#block(job, `${error.code}: ${error.message}`);
  }

  async #fail({ id }: Job, error: OpenFailure): Promise<void> {
    const { store, clock, feed } = this.#deps;
    await store.write((r) => feed(r, id, { kind: "ended", at: clock.now(), end: { state: "failed", error } }));
  }

  async #expire(job: Job): Promise<void> {
    this.#backoff.forget(job);
    await expireJob(this.#deps.feed, this.#deps.store, job.id, this.#deps.clock.now());
  }

  /** Whether a reader, modem or SMSC would carry the job now. */
  bySms(job: Job, target: Target): boolean {
    const request = { ...job.request, bearer: "short-message" } as const;
    return chooseRoute(target, job.work, request, routeLinks(this.#deps.links.list()), noHttps, 0).at === "found";
  }

  async #route(job: Job, target: Target): Promise<Route> {
    // A packet that may have left binds its job to bearers that carry these octets again, and nothing else.
    const bound = job.attempts > 0 && job.request.bearer === "auto" && (await this.#hasPacket(job.id));
    const request = bound ? { ...job.request, bearer: "short-message" as const } : job.request;
    return this.#routeOfNew(job, target, request);
  }

  /** The route of a job without packets. */
  async #routeOfNew(job: Omit<Job, "seq">, target: Target, request = job.request): Promise<Route> {
    const { links, https: bearer } = this.#deps;
    const state = job.work.kind === "packet" ? undefined : await bearer()?.state(target);
    const https = { ...(state ?? noHttps), inVain: job.chosen !== undefined };
    const segments = https.possible ? segmentsOf(job, target) : 0;
    return chooseRoute(target, job.work, request, routeLinks(links.list()), https, segments);
  }

  async #hasPacket(job: JobId): Promise<boolean> {
    const packets = await this.#deps.store.read((r) => r.packets.ofJob(job));
    return packets.some((packet) => packet.state !== "abandoned" && packet.transmissions > 0);
  }

  /** Defers a job without a route until a link changes, or for a limited time. Jobs like it have no route either. */
  async #block(job: Job, why: string, whom: "alone" | "and those like it" = "alone"): Promise<void> {
    const { clock, store, feed } = this.#deps;
    this.#blocked.add(job.target);
    const now = clock.now();
    const until = now + blockedMs;
    await store.write(async (r) => {
      await feed(r, job, { kind: "deferred", at: now, note: why, until });
      if (whom === "and those like it") await deferAlike(r, job, now, until, why);
    });
  }

  #targetOfCard(card: NonNullable<Link["card"]>): Promise<Target | undefined> {
    return this.#deps.store.read((r) => targetOfCard(r, card));
  }
}
