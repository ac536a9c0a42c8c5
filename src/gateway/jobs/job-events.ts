import type { EventFacts } from "../model/event.ts";
import type { OpenFailure } from "../model/failure.ts";
import type { Job, JobResult } from "../model/job.ts";
import type { JobEnd, OpenEnd } from "../model/job-end.ts";
import type { PacketPatch, PacketRecord } from "../model/packet.ts";
import type { Verdict } from "../scripts/verdict.ts";
import type { SoFar } from "./executed-so-far.ts";

/** What an answer means for its job: a verdict on a response packet, or a part of a script that the card answered. */
export type AnswerVerdict = Verdict | { readonly at: "part"; readonly result: JobResult; readonly note: string };

/** What carried the script that was answered. */
export type Carried =
  | {
      readonly bearer: "sms";
      readonly packet: Pick<PacketRecord, "id" | "keySet" | "cntr">;
      /** The response packet, where it is not stored yet. */
      readonly response?: readonly Uint8Array[];
      readonly link?: string;
    }
  /** `repeatable`: the script may go to the card again in its session. */
  | { readonly bearer: "https"; readonly repeatable: boolean };

/** Why a packet could not be handed over, and the facts about its octets. */
export interface SubmitFailure {
  readonly error: OpenFailure & { readonly retry: "never" | "later" | "now" };
  /** `not-sent`: certainly nothing of it left. */
  readonly fate: "not-sent" | "unknown";
  readonly packet: Pick<PacketRecord, "id" | "transmissions">;
  /** A proof of receipt will come if the packet left. */
  readonly answerDue: boolean;
  /** The card would not notice the same octets twice. */
  readonly replayable: boolean;
}

/** Why nothing is waited for any longer. */
export interface Silence {
  readonly transmissions: number;
  /** The same octets are not sent again. */
  readonly last: boolean;
  /** What came but is not proven, as text. */
  readonly unproven?: string;
  /** Messages of the packet that the network did not deliver, from 1, and how many it has. */
  readonly undelivered?: { readonly messages: readonly number[]; readonly of: number };
}

/** What happens to a job. `at` is wall clock, ms. */
export type JobEvent = { readonly at: number } & (
  | {
      readonly kind: "reserved";
      readonly chosen: NonNullable<Job["chosen"]>;
      /** Given for a new packet, absent when a reserved one goes (again). */
      readonly packet?: { readonly cntr: number | undefined; readonly segments: number };
    }
  /** The network or the card has all of the packet, or may have it, and the answer is awaited. */
  | { readonly kind: "submitted"; readonly packet: string; readonly note?: string }
  | { readonly kind: "submit-failed"; readonly failure: SubmitFailure; readonly until: number }
  | { readonly kind: "no-answer"; readonly silence: Silence; readonly until: number }
  | {
      readonly kind: "answered";
      readonly verdict: AnswerVerdict;
      readonly carried: Carried;
      /** Told as an event of its own. */
      readonly heard?: { readonly link: string; readonly status: string };
    }
  /** Passing trouble, or news, as text. */
  | { readonly kind: "noted"; readonly note: string }
  | { readonly kind: "deferred"; readonly note: string; readonly until: number }
  /** What it was deferred for is over: its link is up, its place is free. */
  | { readonly kind: "due" }
  | { readonly kind: "session-chosen"; readonly why: string; readonly dueBy?: number; readonly untouched: boolean }
  | { readonly kind: "session-missed"; readonly why: string }
  | {
      readonly kind: "delivered";
      readonly attempts: number;
      readonly octets: number;
      readonly part: number;
      readonly partsLeft: number;
    }
  /** The process that ran it is gone. */
  | { readonly kind: "interrupted" }
  | {
      readonly kind: "ended";
      readonly end: OpenEnd;
      readonly packet?: { readonly id: string; readonly patch: PacketPatch };
    }
  | { readonly kind: "expired" }
  | { readonly kind: "cancelled"; readonly why?: string; readonly unsentOnly?: boolean }
);

export type JobEventKind = JobEvent["kind"];

/** What the store states about a job's packets; to be read in the unit of work that takes the step. */
export interface JobFacts {
  readonly soFar: SoFar;
  /** Packets that may have left, each with a counter of its own. */
  readonly sentPackets: number;
}

/** What a step changes besides the job itself, in the same unit of work, in this order. */
export type JobEffect =
  | { readonly kind: "packet"; readonly id: string; readonly patch: PacketPatch }
  | { readonly kind: "raise-counter"; readonly keySet: string; readonly floor: number }
  | ({ readonly kind: "event" } & EventFacts)
  /** The job has ended: what rests on it follows. */
  | { readonly kind: "end"; readonly end: JobEnd };

/** The job after an event, with what else changes; or why the event is refused, and nothing changes. */
export type JobStep =
  | { readonly job: Job; readonly effects: readonly JobEffect[] }
  /** `ended`: it had ended; `stage`: not from where it is; `sent`: a packet may have left. */
  | { readonly refused: "ended" | "stage" | "sent" };
