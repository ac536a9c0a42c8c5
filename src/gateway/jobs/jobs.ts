import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId } from "../../base/id.ts";
import { checkPolicy } from "../eis/policy.ts";
import type { Job, JobFilter, JobState } from "../model/job.ts";
import type { JobQueue, NewJob } from "../model/new-job.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { ProfileSwitch } from "../model/profile-switch.ts";
import type { Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { resolveWork } from "../scripts/resolve-work.ts";
import { findTarget } from "../targets/target-lookup.ts";
import type { FeedJob } from "./feed-job.ts";
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
  readonly kick: (target: string) => void;
  /** Makes the target's jobs that were deferred due. */
  readonly wake: (target: string) => Promise<void>;
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

  /** Accepts a job durably. @throws target.unknown, api.usage, api.idempotency, target.invalid, target.policy */
  async submit(order: NewJob): Promise<{ job: Job; created: boolean }> {
    const now = this.#deps.clock.now();
    const accepted = await this.#deps.store.write(async (r) => {
      await order.when?.(r);
      const target = await findTarget(r, order.target);
      const asked = typeof order.work === "function" ? await order.work(r, target) : order.work;
      const work = resolveWork(asked, target);
      const { refusal, warnings: ofPolicy } = checkPolicy(target, work);
      const ofSpi = spiWarning(work, order.request ?? {}, target);
      const warnings = [
        ...ofPolicy,
        ...this.#deps.warningsOf(order.request?.link),
        ...(ofSpi === undefined ? [] : [ofSpi]),
      ];
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
      // A repeated order gets the same answer again, regardless of the rules now.
      if (result.created && refusal !== undefined) throw refusal;
      if (result.created)
        await r.events.append({
          at: now,
          type: "job.queued",
          target: target.id,
          job: job.id,
          data: { origin: order.origin },
        });
      return { ...result, target };
    });
    const { target, ...result } = accepted;
    if (result.created) this.#deps.accepted(result.job, target);
    return result;
  }

  /**
   * Cancels a job that has not ended; with `unsentOnly`, only when certainly nothing of it left.
   * @throws job.unknown, job.state
   */
  async cancel(id: string, options: { readonly unsentOnly?: boolean } = {}): Promise<Job> {
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
  async get(id: string): Promise<Job> {
    const job = await this.#deps.store.read((r) => r.jobs.get(id));
    if (job === undefined) throw new GatewayError("job.unknown", `no job has the id '${id}'`, { detail: { job: id } });
    return job;
  }

  /** Packets of a job, and the profile switch that it started. */
  async parts(id: string): Promise<JobParts> {
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
  kick(target: string): void {
    this.#deps.kick(target);
  }

  /** Runs the target's queue now, without waiting for its next try. */
  async wake(target: string): Promise<void> {
    await this.#deps.wake(target);
  }
}

function keyReused(job: string): GatewayError {
  return new GatewayError("api.idempotency", "Idempotency-Key: was already used for a different request", {
    detail: { field: "Idempotency-Key", job },
  });
}
