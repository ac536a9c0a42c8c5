import type { Job, JobOrigin, JobRequest, JobWork } from "./job.ts";
import type { Repositories } from "./store.ts";
import type { Target } from "./target.ts";

/** Work as clients give it. */
export type AskedWork = JobWork | { readonly kind: "es5"; readonly function: string; readonly params?: unknown };

/** What a client asks for; see {@link Job} for the outcome of it. */
export interface NewJob {
  /** Any name of the target. */
  readonly target: string;
  /** A function makes it of what the store specifies where the job is stored. */
  readonly work: AskedWork | ((r: Repositories, target: Target) => Promise<AskedWork>);
  readonly request?: Partial<JobRequest>;
  readonly origin: JobOrigin;
  readonly validityMs?: number;
  readonly idempotencyKey?: string;
  /** What must hold where the job is stored; throws when it does not. */
  readonly when?: (r: Repositories) => Promise<void>;
  /** Digest of the order that has the key: the same key with another digest is refused. */
  readonly idempotencyDigest?: string;
}

/** A job that is stored as under way, and its target, which no other job can use meanwhile. */
export interface Handover {
  /** Hands its packet over; to be called once the job is durable. */
  readonly go: () => void;
  /** Lets the target go: the unit of work was undone. */
  readonly release: () => void;
}

/** The jobs as other use cases order them. */
export interface JobQueue {
  /**
   * Stores a new job of short messages as under way already, as part of a unit of work: its acceptance, its packet and that
   * this may leave are one commit. Undefined, and nothing is stored, when the job has to wait for its turn or for a link.
   */
  begin(r: Repositories, job: Omit<Job, "seq">, target: Target): Promise<Handover | undefined>;
  /** Accepts a job durably. @throws target.unknown, api.usage, api.idempotency, target.invalid, target.policy */
  submit(order: NewJob): Promise<{ readonly job: Job; readonly created: boolean }>;
  /**
   * Cancels a job that has not ended; with `unsentOnly`, only when certainly nothing of it left.
   * @throws job.unknown, job.state
   */
  cancel(id: string, options?: { readonly unsentOnly?: boolean }): Promise<Job>;
  /** @throws job.unknown */
  get(id: string): Promise<Job>;
  /** Looks at the target's queue. */
  kick(target: string): void;
}
