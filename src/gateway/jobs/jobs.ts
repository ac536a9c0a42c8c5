import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { type JobId, newId, type TargetId } from "../../base/id.ts";
import { checkPolicy } from "../eis/policy.ts";
import { unknownRecord } from "../model/identifiers.ts";
import type { Job, JobFilter, JobState } from "../model/job.ts";
import type { Handover, JobQueue, NewJob } from "../model/new-job.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { ProfileSwitch } from "../model/profile-switch.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { resolveWork } from "../scripts/resolve-work.ts";
import { findTarget } from "../targets/target-lookup.ts";
import type { FeedJob } from "./feed-job.ts";
import { writeAndHandOver } from "./hand-over.ts";
import { spiWarning } from "./spi-warning.ts";
import { cancelJobIn } from "./stop-job.ts";

const defaultValidityMs = 24 * 3_600_000;

/** Records that belong to a job. */
interface JobParts {
  readonly packets: readonly PacketRecord[];
  /** The profile switch that it started. */
  readonly profileSwitch?: ProfileSwitch;
}

/** What {@link Jobs} needs. */
interface JobsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly feed: FeedJob;
  /** Warnings about a link that an order names. */
  readonly warningsOf: (link: string | undefined) => readonly string[];
  /** Called when a job was stored. */
  readonly accepted: (job: Job, target: Target) => void;
  /** Looks at the target's queue. */
  readonly kick: (target: TargetId) => void;
  /** Makes the target's jobs that were deferred due. */
  readonly wake: (target: TargetId) => Promise<void>;
  readonly begin: JobQueue["begin"];
  /** Aborts a job that is running. */
  readonly interrupt: (job: Job, reason: GatewayError) => void;
}

/** Jobs: ordered, listed and cancelled. */
export class Jobs implements JobQueue {
  readonly #deps: JobsDeps;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  /**
   * Accepts a job durably; one that can leave at once over a reader is stored with its packet.
   * @throws target.unknown, api.usage, api.idempotency, target.invalid, target.policy
   */
  async submit(order: NewJob): Promise<{ job: Job; created: boolean }> {
    let atOnce = true;
    const begin: JobQueue["begin"] = async (...job) => {
      try {
        return await this.#deps.begin(...job);
      } catch (error) {
        atOnce = false;
        throw error;
      }
    };
    const accept = () =>
      writeAndHandOver(this.#deps.store, (r, begun) => this.#accept(r, order, atOnce && begin, begun));
    const { target, under, ...result } = await accept().catch((error: unknown) => {
      if (atOnce) throw error;
      // Its packet cannot be secured: the job is accepted and fails when it is run.
      return accept();
    });
    if (result.created && !under) this.#deps.accepted(result.job, target);
    return result;
  }

  async #accept(
    r: Repositories,
    order: NewJob,
    begin: JobQueue["begin"] | false,
    begun: (handover: Handover) => void,
  ): Promise<{ job: Job; created: boolean; under: boolean; target: Target }> {
    const { clock, warningsOf } = this.#deps;
    const now = clock.now();
    await order.when?.(r);
    const target = await findTarget(r, order.target);
    const asked = typeof order.work === "function" ? await order.work(r, target) : order.work;
    const work = resolveWork(asked, target);
    const { refusal, warnings: ofPolicy } = checkPolicy(target, work);
    const ofSpi = spiWarning(work, order.request ?? {}, target);
    const warnings = [...ofPolicy, ...warningsOf(order.request?.link), ...(ofSpi === undefined ? [] : [ofSpi])];
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
    const { idempotencyKey: key, idempotencyDigest: digest } = order;
    const before = key === undefined ? undefined : await r.jobs.ofKey(key, digest);
    if (before?.same === false) throw keyReused(before.job.id);
    // A repeated order gets the same answer again, regardless of the rules now.
    if (before !== undefined) return { job: before.job, created: false, under: false, target };
    if (refusal !== undefined) throw refusal;
    const started = begin === false ? undefined : await begin(r, job, target, order);
    if (started !== undefined) {
      begun(started.handover);
      return { job: started.job, created: true, under: true, target };
    }
    const stored = await r.jobs.insert(job, key, digest);
    const { id, origin } = job;
    await r.events.append({ at: now, type: "job.queued", target: target.id, job: id, data: { origin } });
    return { job: stored.job, created: true, under: false, target };
  }

  /**
   * Cancels a job that has not ended; with `unsentOnly`, only when certainly nothing of it left.
   * @throws job.unknown, job.state
   */
  async cancel(id: JobId, options: { readonly unsentOnly?: boolean } = {}): Promise<Job> {
    const { store, clock, feed } = this.#deps;
    const outcome = await store.write((r) => cancelJobIn(feed, r, id, clock.now(), options));
    const job = await this.get(id);
    if (outcome !== "cancelled") {
      const why = outcome === "ended" ? "has ended" : "may have reached the card";
      throw new GatewayError("job.state", `job ${id} ${why}`, { detail: { state: job.state } });
    }
    this.#deps.interrupt(job, new GatewayError("job.cancelled", "the job was cancelled"));
    return job;
  }

  /** @throws job.unknown */
  async get(id: JobId): Promise<Job> {
    const job = await this.#deps.store.read((r) => r.jobs.get(id));
    if (job === undefined) throw unknownRecord("job", id);
    return job;
  }

  /** Packets of a job, and the profile switch that it started. */
  async parts(id: JobId): Promise<JobParts> {
    return this.#deps.store.read(async (r) => {
      const packets = await r.packets.ofJob(id);
      const profileSwitch = await r.profileSwitches.ofJob(id);
      return { packets, ...withoutUndefined({ profileSwitch }) };
    });
  }

  /** Newest first, before the given seq. */
  async list(filter: JobFilter, before: number | undefined, limit: number): Promise<Job[]> {
    return this.#deps.store.read((r) => r.jobs.list(filter, before, limit));
  }

  /** Number of stored jobs by state. */
  async counts(): Promise<Readonly<Record<JobState, number>>> {
    return this.#deps.store.read((r) => r.jobs.counts());
  }

  begin(...order: Parameters<JobQueue["begin"]>): ReturnType<JobQueue["begin"]> {
    return this.#deps.begin(...order);
  }

  /** Looks at the target's queue. */
  kick(target: TargetId): void {
    this.#deps.kick(target);
  }

  /** Runs the target's queue now, without waiting for its next try. */
  async wake(target: TargetId): Promise<void> {
    await this.#deps.wake(target);
  }
}

function keyReused(job: JobId): GatewayError {
  return new GatewayError("api.idempotency", "Idempotency-Key: was already used for a different request", {
    detail: { field: "Idempotency-Key", job },
  });
}
