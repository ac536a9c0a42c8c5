import type { JobId, TargetId } from "../../base/id.ts";
import type { Job, JobOrigin, JobRequest, JobWork } from "./job.ts";
import type { Repositories } from "./store.ts";
import type { Target } from "./target.ts";

/** Work as clients order it. */
export type OrderedWork = JobWork | { readonly kind: "es5"; readonly function: string; readonly params?: unknown };

/** A client's order; {@link Job} is the stored job. */
export interface NewJob {
  /** Any name of the target. */
  readonly target: string;
  /** A function creates the work from the store, in the unit of work that stores the job. */
  readonly work: OrderedWork | ((r: Repositories, target: Target) => Promise<OrderedWork>);
  readonly request?: Partial<JobRequest>;
  readonly origin: JobOrigin;
  readonly validityMs?: number;
  readonly idempotencyKey?: string;
  /** A condition that is checked in the unit of work that stores the job; throws if it does not hold. */
  readonly when?: (r: Repositories) => Promise<void>;
  /** Digest of the order that has the key: the same key with another digest is refused. */
  readonly idempotencyDigest?: string;
}

/** The key under which a client repeats an order, and the digest of the order. */
export type OrderKey = Pick<NewJob, "idempotencyKey" | "idempotencyDigest">;

/** Takes the target of a job that is stored as under way; no other job can use it in the meantime. */
export interface Handover {
  /** Sends its packet; to be called once the job is durable. */
  readonly go: () => void;
  /** Releases the target: the unit of work was undone. */
  readonly release: () => void;
}

/** The job queue as other use cases see it. */
export interface JobQueue {
  /**
   * Stores a new job of short messages as already under way, as part of a unit of work: its acceptance and the
   * reservation of its packet are one commit. A script without a route is stored as deferred. Undefined, with nothing
   * stored, if the job has to wait for its turn, or a ready packet for a link. The key must not be in use.
   * @throws crypto.*, target.no-key: the unit of work has to fail
   */
  begin(
    r: Repositories,
    job: Omit<Job, "seq">,
    target: Target,
    key?: OrderKey,
  ): Promise<{ readonly job: Job; readonly handover: Handover } | undefined>;
  /** Accepts a job durably. @throws target.unknown, api.usage, api.idempotency, target.invalid, target.policy */
  submit(order: NewJob): Promise<{ readonly job: Job; readonly created: boolean }>;
  /**
   * Cancels a job that has not ended; with `unsentOnly`, only when certainly nothing of it left.
   * @throws job.unknown, job.state
   */
  cancel(id: JobId, options?: { readonly unsentOnly?: boolean }): Promise<Job>;
  /** @throws job.unknown */
  get(id: JobId): Promise<Job>;
  /** Looks at the target's queue. */
  kick(target: TargetId): void;
}
