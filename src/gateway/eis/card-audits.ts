import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { JobId, TargetId } from "../../base/id.ts";
import { isdRTar, isIsdPAid } from "../../codec/euicc/aid.ts";
import type { AuditedDomain, CardResources } from "../../codec/euicc/es5/answer.ts";
import { es5Commands } from "../../codec/euicc/es5/functions.ts";
import type { Job, JobOrigin, JobRequest } from "../model/job.ts";
import { hasEnded } from "../model/job.ts";
import type { JobQueue } from "../model/new-job.ts";
import type { Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { type ExecutedCommand, executedCommands } from "../scripts/executed-commands.ts";
import { withAudit, withoutProfiles } from "../targets/eis.ts";
import { findTarget, saveTarget } from "../targets/target-lookup.ts";
import { type AuditDifference, profileDifferences, resourceDifferences } from "./card-audit.ts";

/** What the card reported, and where the EIS differs. */
interface AuditReport {
  readonly target: TargetId;
  readonly jobs: readonly string[];
  readonly domains: readonly AuditedDomain[];
  readonly resources?: CardResources;
  /** Differences from the EIS as it was before the audit. */
  readonly differences: readonly AuditDifference[];
  /** The EIS was updated from the card. */
  readonly fixed: boolean;
}

/** Options of an audit. */
interface AuditOrder {
  /** Update the EIS from the card; profiles that the card does not have are removed. */
  readonly fix: boolean;
  readonly origin: JobOrigin;
  readonly request?: Partial<JobRequest>;
  /** How long to wait for the card. */
  readonly waitMs: number;
}

/** Validity of the audit's job; what the card reports after the wait becomes the event `target.differs`. */
const jobValidityMs = 10 * 60_000;
/** Maximum number of answers in which a card lists its domains. */
const maxAnswers = 16;

/** Maximum number of rounds of an audit whose EIS changed while it was made. */
const maxRounds = 3;

/** What a card reported. */
interface CardReport {
  readonly jobs: readonly string[];
  /** When the first command was sent. */
  readonly askedAt: number;
  readonly domains: readonly AuditedDomain[];
  readonly resources?: CardResources;
  /** The list contains all domains. */
  readonly complete: boolean;
}

/** Compares the EIS of a target with the card itself. SGP.02 §3.9 */
export class CardAudits {
  readonly #store: Store;
  readonly #jobs: JobQueue;
  readonly #clock: Clock;

  constructor({ store, jobs, clock }: { readonly store: Store; readonly jobs: JobQueue; readonly clock: Clock }) {
    this.#store = store;
    this.#jobs = jobs;
    this.#clock = clock;
  }

  /**
   * @throws target.unknown, api.timeout naming the job that continues, store.conflict when the EIS changed during each
   * audit
   * that was to be adopted, and what the audit's job failed with
   */
  async audit(reference: string, order: AuditOrder): Promise<AuditReport> {
    const until = this.#clock.monotonic() + order.waitMs;
    const { id } = await this.#store.read((r) => findTarget(r, reference));
    for (let round = 1; ; round++) {
      const found = await this.#readCard(id, order, until);
      if (!order.fix) return this.#store.read(async (r) => reportOf(await findTarget(r, id), found, false));
      const report = await this.#adopt(id, found);
      if (report !== undefined) return report;
      if (round === maxRounds)
        throw new GatewayError("store.conflict", "the EIS changed during the audit: it was not updated", {
          detail: { target: id },
        });
    }
  }

  /** Everything that the card reports about itself. */
  async #readCard(target: TargetId, order: AuditOrder, until: number): Promise<CardReport> {
    const jobs: string[] = [];
    const domains: AuditedDomain[] = [];
    let resources: CardResources | undefined;
    let more = true;
    let askedAt = 0;
    for (let round = 0; more && round < maxAnswers; round++) {
      const job = await this.#ask(target, order, round > 0, until).catch((error: unknown) => {
        // A card that lost its position in the list ends the list: its reports so far are correct, but incomplete.
        if (round > 0 && isGatewayError(error, "job.failed")) return undefined;
        throw error;
      });
      if (job === undefined) break;
      if (round === 0) askedAt = job.startedAt ?? job.createdAt;
      jobs.push(job.id);
      const executed = executedCommands(job.work, job.result?.commands ?? []);
      if (!executed.some(listsDomains)) {
        if (round === 0) throw unanswered(job);
        break;
      }
      more = false;
      for (const { answer, sw } of executed) {
        if (answer?.kind === "domains") domains.push(...answer.domains);
        if (answer?.kind === "resources") resources = answer.resources;
        more ||= sw === "6310";
      }
    }
    return { jobs, askedAt, domains, complete: !more, ...withoutUndefined({ resources }) };
  }

  /** One job: the domains (their continuation after a 6310), and once the memory. */
  async #ask(target: TargetId, order: AuditOrder, next: boolean, until: number): Promise<Job> {
    const status = { name: "auditStatus", tags: [0x4f, 0x9f70, 0x53, 0x8f, 0x91], ...(next ? { next } : {}) } as const;
    const apdus = [...es5Commands(status), ...(next ? [] : es5Commands({ name: "auditResources" }))];
    const { job } = await this.#jobs.submit({
      target,
      work: { kind: "script", tar: isdRTar, apdus, function: { name: "audit", params: {} } },
      request: { onAnswerLost: "repeat", ...order.request, keepEis: true },
      origin: order.origin,
      validityMs: jobValidityMs,
    });
    const ended = await this.#ended(job.id, until);
    if (ended.state === "done") return ended;
    throw new GatewayError("job.failed", `the audit did not succeed: ${ended.error?.message ?? ended.state}`, {
      detail: { job: ended.id, state: ended.state, ...withoutUndefined({ error: ended.error }) },
    });
  }

  async #ended(id: JobId, until: number): Promise<Job> {
    for (;;) {
      const job = await this.#jobs.get(id);
      if (hasEnded(job)) return job;
      if (this.#clock.monotonic() >= until)
        throw new GatewayError("api.timeout", "the card has not answered the audit yet; the job continues", {
          detail: { job: id },
        });
      await this.#clock.sleep(50);
    }
  }

  /** Updates the EIS from the card, unless the EIS changed (by a notification) after the audit started. */
  async #adopt(target: TargetId, found: CardReport): Promise<AuditReport | undefined> {
    return this.#store.write(async (r) => {
      const now = await findTarget(r, target);
      const report = reportOf(now, found, true);
      if (!report.fixed) return report;
      if (now.updatedAt > found.askedAt) return undefined;
      const { domains, resources, complete } = found;
      const gone = now.esimProfiles.filter((profile) => !domains.some((one) => one.aid === profile.aid));
      const kept = complete
        ? withoutProfiles(
            now,
            gone.map((profile) => profile.aid),
          )
        : now;
      const adopted = withMemory(withAudit(kept, domains), resources);
      if (adopted !== now) await saveTarget(r, adopted, this.#clock.now(), "the EIS was updated from an audit");
      return report;
    });
  }
}

/** The answer to GET STATUS is a list of domains, or that there are none (6A88). */
function listsDomains({ function: fn, answer, sw }: ExecutedCommand): boolean {
  return answer?.kind === "domains" || (fn.name === "auditStatus" && sw === "6A88");
}

/** The job is done without the card's list of domains: nothing is known about them, and nothing may be adopted. */
function unanswered(job: Job): GatewayError {
  const why = (job.warnings ?? []).map((one) => `; ${one}`).join("");
  return new GatewayError("job.failed", `the audit has no list of domains from the card${why}`, {
    detail: { job: job.id, state: job.state },
  });
}

function reportOf(target: Target, found: CardReport, fix: boolean): AuditReport {
  const { jobs, domains, resources, complete } = found;
  const differences = [
    ...profileDifferences(target, domains, complete),
    ...(resources === undefined ? [] : resourceDifferences(target, resources)),
  ];
  return {
    target: target.id,
    jobs,
    domains: domains.filter((one) => one.aid !== undefined && isIsdPAid(one.aid)),
    ...withoutUndefined({ resources }),
    differences,
    fixed: fix && differences.length > 0,
  };
}

function withMemory(target: Target, resources: CardResources | undefined): Target {
  const { eis } = target;
  if (resources?.freeNonVolatile === undefined || typeof eis !== "object" || eis === null) return target;
  if (!("remainingMemory" in eis) || eis.remainingMemory === resources.freeNonVolatile) return target;
  return { ...target, eis: { ...eis, remainingMemory: resources.freeNonVolatile } };
}
