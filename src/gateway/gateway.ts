import type { Clock } from "../base/clock.ts";
import { detach } from "../base/detach.ts";
import { GatewayError } from "../base/gateway-error.ts";
import type { TargetId } from "../base/id.ts";
import type { Log } from "../link/driver.ts";
import { reported } from "../link/reported.ts";
import { ApiTokens } from "./access/api-tokens.ts";
import { AuditLog } from "./access/audit-log.ts";
import { Campaigns } from "./campaign/campaigns.ts";
import { CampaignRunner } from "./campaign/runner.ts";
import type { SmDpCredentials } from "./downloads/credentials.ts";
import { Downloads } from "./downloads/downloads.ts";
import { DownloadRunner } from "./downloads/runner.ts";
import { CardAudits } from "./eis/card-audits.ts";
import { ConnectivityParameters } from "./eis/connectivity-parameters.ts";
import { EisRecords } from "./eis/eis-records.ts";
import { Inbound } from "./inbound/inbound.ts";
import { feedJob as feed } from "./job-effects.ts";
import { JobRunner } from "./job-runner.ts";
import { makeDue } from "./jobs/feed-job.ts";
import { Jobs } from "./jobs/jobs.ts";
import { targetOfCard } from "./links/card-holder.ts";
import { CardLeases } from "./links/card-leases.ts";
import type { HttpsBearer } from "./links/https-bearer.ts";
import { type Link, Links } from "./links/links.ts";
import { SessionRequests } from "./links/session-requests.ts";
import type { GatewayEvent } from "./model/event.ts";
import type { Job } from "./model/job.ts";
import type { NotificationMode } from "./model/notification-mode.ts";
import type { Retention } from "./model/retention.ts";
import type { Store } from "./model/store.ts";
import type { Target } from "./model/target.ts";
import { confirmationsOver } from "./notifications/confirmation.ts";
import { Notifications } from "./notifications/notifications.ts";
import { EventLog } from "./records/event-log.ts";
import { StoreState } from "./records/store-state.ts";
import { Pruner } from "./retention/pruner.ts";
import { Answers } from "./scp80/answers.ts";
import type { SmsDefaults } from "./scp80/submit-packet.ts";
import { pollAfterSwitch } from "./switches/poll-after-switch.ts";
import { ProfileSwitches } from "./switches/profile-switches.ts";
import { SwitchWatch } from "./switches/switch-watch.ts";
import { Targets } from "./targets/targets.ts";

interface GatewayDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly sms: SmsDefaults;
  /** Notification mode of targets without one of their own. */
  readonly notifications: NotificationMode;
  /** Retention periods; nothing is removed if absent. */
  readonly retention?: Retention;
  /** Credentials of SM-DPs, for downloads. */
  readonly smDps?: readonly SmDpCredentials[];
  /** Names of the upstreams that receive events: records that they have not received are kept. */
  readonly eventUpstreams?: readonly string[];
}

/** The use cases of the gateway, for all faces: each under its name, without access to the store. */
export class Gateway {
  readonly links = new Links();
  readonly jobs: Jobs;
  readonly targets: Targets;
  readonly eis: EisRecords;
  readonly audits: CardAudits;
  readonly connectivity: ConnectivityParameters;
  readonly leases: CardLeases;
  readonly sessions: SessionRequests;
  readonly switches: ProfileSwitches;
  readonly notifications: Notifications;
  readonly inbound: Inbound;
  readonly campaigns: Campaigns;
  readonly downloads: Downloads;
  readonly events: EventLog;
  readonly tokens: ApiTokens;
  readonly auditLog: AuditLog;
  readonly pruner: Pruner;
  readonly storeState: StoreState;
  readonly #deps: GatewayDeps;
  readonly #answers = new Answers();
  readonly #runner: JobRunner;
  readonly #switchWatch: SwitchWatch;
  readonly #campaignRunner: CampaignRunner;
  readonly #downloadRunner: DownloadRunner;
  #https: HttpsBearer | undefined;

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    const { store, clock, random, log } = deps;
    const { links } = this;
    const kick = (target: TargetId) => this.#runner.kick(target);
    const https = () => this.#https;
    const answers = this.#answers;
    this.#runner = new JobRunner({
      store,
      clock,
      random,
      log,
      links,
      answers,
      https,
      feed,
      sms: deps.sms,
    });
    this.jobs = new Jobs({
      feed,
      store,
      clock,
      accepted: (job, target) => this.#runner.accepted(job, target),
      kick,
      warningsOf: (link) => links.warningsOf(link),
      wake: (target) => this.#runner.wake(target),
      begin: (...order) => this.#runner.begin(...order),
      interrupt: (job, reason) => this.#runner.interrupt(job, reason),
    });
    this.notifications = new Notifications({
      queueConfirmation: confirmationsOver(links),
      defaultMode: deps.notifications,
      kick,
      feed,
      store,
      clock,
    });
    this.inbound = new Inbound({ store, clock, log, answers, notifications: this.notifications, feed, kick });
    this.#switchWatch = new SwitchWatch({ store, clock, log, kick });
    this.#campaignRunner = new CampaignRunner({
      store,
      jobs: this.jobs,
      clock,
      log,
      notifications: deps.notifications,
    });
    this.campaigns = new Campaigns({ store, runner: this.#campaignRunner, clock });
    const { smDps = [] } = deps;
    const smDp = (name: string) => smDps.find((one) => one.name === name);
    this.#downloadRunner = new DownloadRunner({ store, jobs: this.jobs, clock, log, smDp });
    this.downloads = new Downloads({ store, jobs: this.jobs, clock, runner: this.#downloadRunner, smDps });
    this.targets = new Targets(store, clock);
    this.eis = new EisRecords(this.targets);
    this.audits = new CardAudits({ store, jobs: this.jobs, clock });
    this.connectivity = new ConnectivityParameters({ store, jobs: this.jobs, log });
    this.leases = new CardLeases(links, clock);
    this.sessions = new SessionRequests(store, https);
    this.switches = new ProfileSwitches(store);
    this.events = new EventLog(store);
    this.tokens = new ApiTokens(store, clock);
    this.auditLog = new AuditLog(store);
    this.storeState = new StoreState(store);
    this.pruner = new Pruner({
      store,
      clock,
      log,
      retention: deps.retention ?? {},
      upstreams: deps.eventUpstreams ?? [],
    });
    this.events.onCommit((events) => {
      for (const event of events) this.#onEvent(event);
    });
    links.onChange((change) => {
      if (change.kind === "removed") this.#runner.linkRemoved(change.id);
      else {
        const { link } = change;
        detach(this.#runner.linkChanged(link), reported(log, "failed to start waiting jobs", { link: link.id }));
      }
    });
  }

  /** Resumes work that an earlier process left open. */
  async start(): Promise<void> {
    const { store, clock } = this.#deps;
    await store.write(async (r) => {
      // Jobs that wait for an SCP81 session continue to wait: the step refuses the event.
      for (const job of await r.jobs.inState(["running", "waiting"], 1_000_000))
        await feed(r, job, { kind: "interrupted", at: clock.now() });
      await makeDue(r, undefined, clock.now());
    });
    this.inbound.work();
    this.#switchWatch.start();
    await this.#runner.start();
  }

  /** Starts the background tasks that order jobs and remove records; to be called once links are registered. */
  async startBackground(): Promise<void> {
    await this.#downloadRunner.start();
    await this.#campaignRunner.start();
    this.pruner.start();
  }

  /** Ends the tasks of {@link startBackground} and all card leases; links can be removed after that. */
  async stopBackground(): Promise<void> {
    await this.pruner.stop();
    await this.leases[Symbol.asyncDispose]();
    await this.#campaignRunner.stop();
    await this.#downloadRunner.stop();
  }

  /** Brings running work to a durable point. */
  async stop(): Promise<void> {
    await this.#switchWatch.stop();
    await this.#runner.stop(new GatewayError("job.interrupted", "the daemon is stopping"));
    await this.inbound.stop();
  }

  /** Connects SCP81 as a bearer of jobs. */
  connectHttps(bearer: HttpsBearer): void {
    this.#https = bearer;
  }

  /**
   * Routes received items of a link to the inbox. In a reader the sender is its card; a modem also receives messages of
   * other devices.
   */
  attach(link: Link): void {
    link.bearer?.onInbound(async (item) => {
      const card = link.kind === "reader" ? this.links.find(link.id)?.card : undefined;
      const target = card === undefined ? undefined : await this.#sender(link.id, card);
      await this.inbound.accept(link.id, item, target?.id);
    });
    this.links.add(link);
  }

  /**
   * The target whose card is in a reader: the one to which a packet was just sent, or the one with the card's identity.
   */
  async #sender(link: string, card: NonNullable<Link["card"]>): Promise<Target | undefined> {
    const target = this.#answers.onLink(link)?.target;
    return card.eid !== undefined && target?.eid === card.eid ? target : this.targetOfCard(card);
  }

  /** The target whose card this is. */
  async targetOfCard(card: NonNullable<Link["card"]>): Promise<Target | undefined> {
    return this.#deps.store.read((r) => targetOfCard(r, card));
  }

  /** Whether a reader, modem or SMSC would carry the job now. */
  bySms(job: Job, target: Target): boolean {
    return this.#runner.bySms(job, target);
  }

  #onEvent(event: GatewayEvent): void {
    const { store, clock } = this.#deps;
    if (event.target === undefined) return;
    this.#runner.noteEvent(event);
    // Failures are ignored: the regular poll finds the same.
    if (event.type === "switch.accepted")
      detach(pollAfterSwitch({ store, clock, links: this.links }, event.target), () => {});
  }
}
