import type { JobId, TargetId } from "../../base/id.ts";
import type { Aid, Tar } from "../../codec/euicc/aid.ts";
import type { JobFailure } from "./failure.ts";

/** The bearer of a job: https = SCP81 session, envelope = a card in a reader, sms = modem or SMSC. */
export type Bearer = "https" | "envelope" | "sms";

/** The work on the card. */
export type JobWork =
  /** C-APDUs for one security domain. `function` is the ES5 function that they encode, if any. */
  | {
      readonly kind: "script";
      readonly tar: Tar;
      readonly aid?: Aid;
      readonly apdus: readonly Uint8Array[];
      readonly format?: "expanded-definite" | "expanded-indefinite" | "compact";
      readonly function?: { readonly name: string; readonly params: Readonly<Record<string, unknown>> };
    }
  /** A ready script body of the upstream: never re-encoded. */
  | {
      readonly kind: "body";
      readonly tar: Tar;
      readonly aid?: Aid;
      readonly body: Uint8Array;
      readonly function?: { readonly name: string; readonly params: Readonly<Record<string, unknown>> };
    }
  /** A packet that the upstream secured itself: TP-UDs as they are, octet-identical. */
  | {
      readonly kind: "packet";
      readonly userData: readonly Uint8Array[];
      /** The TP-UDs begin with a user data header (default). */
      readonly userDataHeader?: boolean;
      readonly protocolId: number;
      readonly dataCoding: number;
      /** `dataCoding` is SMPP's data_coding, and a text has one octet per character. */
      readonly smppText?: boolean;
      readonly from?: string;
      readonly receipt?: boolean;
    };

/** How the work is to be carried out. */
export interface JobRequest {
  /** `auto` chooses among all; `short-message` among those that carry SMS. */
  readonly bearer: Bearer | "auto" | "short-message";
  /** Only over this link. */
  readonly link?: string;
  /** SPI, two octets (TS 102 225 §5.1.1). */
  readonly spi?: Uint8Array;
  readonly kvn?: number;
  /** Maximum number of packets with a counter of their own. */
  readonly maxPackets: number;
  readonly answerTimeoutMs?: number;
  /** The job ends when the network has accepted the packet; no answer is expected (SPI without PoR). */
  readonly fireAndForget?: boolean;
  /** What to do when the card may have run the packet but its answer is lost. */
  readonly onAnswerLost?: "fail" | "repeat";
  /** How long the card may process a script in an SCP81 session. */
  readonly budgetMs?: number;
  /** Secure channel (SCP03, SCP03t) of the upstream that the script belongs to; derived from the script when absent. */
  readonly secureChannel?: string;
  /** More scripts of the same exchange follow: keep an SCP81 session open. */
  readonly moreToCome?: boolean;
  /** Every command, and every block of SCP03t (`86`), goes in a script of its own within the session. */
  readonly oneByOne?: boolean;
  /** Status words of the last command that count as success, upper-case hexadecimal. */
  readonly tolerate?: readonly string[];
  /** Leave the EIS unchanged if the script contains an audit; differences are only reported. */
  readonly keepEis?: boolean;
  /** How long a profile switch that the script starts may take until it counts as lapsed. */
  readonly switchTimeoutMs?: number;
  /** Coding that the SMSC is requested to use instead of its account's settings: for tests of a link. */
  readonly smsCoding?: { readonly dataCoding?: number; readonly destAddrSubunit?: number };
}

/** One command's outcome: R-APDU data and status word. */
export interface CommandResult {
  readonly data: Uint8Array;
  /** Four upper-case hexadecimal digits. */
  readonly sw: string;
}

/** The answer of the card. */
export interface JobResult {
  /** Status of the proof of receipt, 0 = ok; absent without one. */
  readonly por?: { readonly status: number; readonly name: string; readonly authenticated: boolean };
  /** The additional response data or HTTP body, unchanged. */
  readonly data?: Uint8Array;
  readonly commands: readonly CommandResult[];
  /** Number of commands the card states it executed. */
  readonly executed?: number;
  /** Decoded answer of an ES5 function. */
  readonly answer?: unknown;
  readonly scriptStatus?: string;
  /** What the answer leaves open, as text. */
  readonly note?: string;
}

export type JobState = "queued" | "running" | "waiting" | "done" | "failed" | "expired" | "cancelled";

/** The states a job never leaves. */
export const endStates: readonly JobState[] = ["done", "failed", "expired", "cancelled"];

/** Whether a job is final. */
export function hasEnded(job: Pick<Job, "state">): boolean {
  return endStates.includes(job.state);
}

export interface JobOrigin {
  readonly face: "cli" | "api" | "smpp" | "system" | "campaign" | "download" | "scenario" | "upstream";
  readonly client?: string;
  /** The client's own reference. */
  readonly reference?: string;
}

/** A script on its way to one security domain of a target. */
export interface Job {
  /** Order of acceptance. */
  readonly seq: number;
  readonly id: JobId;
  readonly target: TargetId;
  readonly state: JobState;
  /** `system` goes first and is not held up by an open profile switch (confirmations). */
  readonly lane: "system" | "normal";
  readonly work: JobWork;
  readonly request: JobRequest;
  readonly origin: JobOrigin;
  /** The chosen bearer, and the reason for the choice, as text. */
  readonly chosen?: { readonly bearer: Bearer; readonly link: string; readonly why: string };
  /** Number of tries so far, including transmissions of the same packet. */
  readonly attempts: number;
  readonly notBefore: number;
  readonly validUntil: number;
  readonly result?: JobResult;
  readonly error?: JobFailure;
  /** The last temporary problem, for display. */
  readonly note?: string;
  /** Warnings from the EIS when it was accepted. */
  readonly warnings?: readonly string[];
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

export interface JobFilter {
  readonly target?: TargetId;
  readonly state?: readonly JobState[];
  readonly origin?: JobOrigin["face"];
}

/** A change of a job's state; only listed fields change. */
export type JobPatch = Partial<
  Pick<Job, "state" | "chosen" | "attempts" | "notBefore" | "result" | "error" | "note" | "startedAt" | "endedAt">
>;

export interface JobRepository {
  /**
   * Stores the job and assigns its `seq`. If its idempotency key is in use, returns the job that has the key instead,
   * and whether that job was ordered with the same digest.
   */
  insert(
    job: Omit<Job, "seq">,
    idempotencyKey?: string,
    digest?: string,
  ): Promise<{ job: Job; created: boolean; same: boolean }>;
  /** The job that was ordered under this idempotency key, and whether with the same digest. */
  ofKey(key: string, digest?: string): Promise<{ job: Job; same: boolean } | undefined>;
  get(id: JobId): Promise<Job | undefined>;
  /** Newest first, before the given seq. */
  list(filter: JobFilter, before: number | undefined, limit: number): Promise<Job[]>;
  /**
   * Changes a job that has not ended and is still in the state that it `was` in; false otherwise. A job ends exactly
   * once.
   */
  patch(id: JobId, patch: JobPatch, was?: Pick<Job, "target" | "state" | "attempts" | "chosen">): Promise<boolean>;
  /** The next job of this target: system lane first, then order of acceptance. */
  next(target: TargetId, now: number, lanes: readonly Job["lane"][]): Promise<Job | undefined>;
  /** Whether the target has a job that has not ended. */
  hasOpen(target: TargetId): Promise<boolean>;
  /** The next jobs of this target, at most `limit`, in the order of {@link next}. */
  due(target: TargetId, now: number, lanes: readonly Job["lane"][], limit: number): Promise<Job[]>;
  /** Targets with jobs that have not ended. */
  openTargets(): Promise<TargetId[]>;
  /** Jobs in these states, oldest first. */
  inState(states: readonly JobState[], limit: number): Promise<Job[]>;
  /** Jobs of the target that wait for an administration session: system lane first, then order of acceptance. */
  waitingForSession(target: TargetId, limit: number): Promise<Job[]>;
  /** Defers the due jobs behind this one that are alike: same target, lane, request and kind of work. */
  defer(job: Job, now: number, until: number, note: string): Promise<void>;
  /**
   * Makes deferred jobs (of the target, or of all) due; a job that was never tried waits for the time that its client
   * set.
   */
  resume(target: TargetId | undefined, now: number): Promise<void>;
  /** Makes the target's jobs that were deferred with this note due. */
  letGo(target: TargetId, note: string, now: number): Promise<void>;
  /** When the earliest queued job of the target may run. */
  nextWake(target: TargetId): Promise<number | undefined>;
  /** Queued jobs of the target whose validity has ended, and when the validity of the next one ends. */
  deadlines(target: TargetId, now: number): Promise<{ readonly over: readonly Job[]; readonly next?: number }>;
  counts(): Promise<Readonly<Record<JobState, number>>>;
}
