import type { PacketId } from "../../base/id.ts";
import type { EventFacts } from "../model/event.ts";
import type { OpenFailure } from "../model/failure.ts";
import type { Job, JobResult } from "../model/job.ts";
import type { JobEnd, OpenEnd } from "../model/job-end.ts";
import type { PacketPatch, PacketRecord } from "../model/packet.ts";
import type { Verdict } from "../scripts/verdict.ts";
import type { SoFar } from "./executed-so-far.ts";

/** What an answer means for its job: a verdict on a response packet, or an answered part of a script. */
export type AnswerVerdict = Verdict | { readonly at: "part"; readonly result: JobResult; readonly note: string };

/** The bearer of the script that was answered. */
export type Carried =
  | {
      readonly bearer: "sms";
      readonly packet: Pick<PacketRecord, "id" | "keySet" | "cntr" | "sentAt">;
      /** The response packet, where it is not stored yet. */
      readonly response?: readonly Uint8Array[];
      readonly link?: string;
    }
  /** `repeatable`: the script may be sent to the card again in its session. */
  | { readonly bearer: "https"; readonly repeatable: boolean };

/** Why a packet could not be handed over, and the state of its octets. */
export interface SubmitFailure {
  readonly error: OpenFailure & { readonly retry: "never" | "later" | "now" };
  /** `not-sent`: certainly nothing of it left. */
  readonly fate: "not-sent" | "unknown";
  readonly packet: Pick<PacketRecord, "id" | "transmissions">;
  /** A proof of receipt will come if the packet left. */
  readonly answerDue: boolean;
  /** The card would not detect that it receives the same octets twice. */
  readonly replayable: boolean;
}

/** Why the job stops waiting. */
export interface Silence {
  readonly transmissions: number;
  /** The same octets are not sent again. */
  readonly last: boolean;
  /** What arrived without proof of its origin, as text. */
  readonly unproven?: string;
  /** Messages of the packet that the network did not deliver (from 1), and the number of messages. */
  readonly undelivered?: { readonly messages: readonly number[]; readonly of: number };
}

/** What happens to a job. `at` is wall clock, ms. */
export type JobEvent = { readonly at: number } & (
  | {
      readonly kind: "reserved";
      readonly chosen: NonNullable<Job["chosen"]>;
      /** Given for a new packet; absent when a reserved packet is sent, for the first time or again. */
      readonly packet?: { readonly cntr: number | undefined; readonly segments: number };
    }
  /** The network or the card has, or may have, all of the packet; the answer is awaited. */
  | { readonly kind: "submitted"; readonly packet: PacketId; readonly note?: string }
  | { readonly kind: "submit-failed"; readonly failure: SubmitFailure; readonly until: number }
  | { readonly kind: "no-answer"; readonly silence: Silence; readonly until: number }
  | {
      readonly kind: "answered";
      readonly verdict: AnswerVerdict;
      readonly carried: Carried;
      /** Reported as an event of its own. */
      readonly received?: { readonly link: string; readonly status: string };
    }
  /** A temporary problem, or a note, as text. */
  | { readonly kind: "noted"; readonly note: string }
  | { readonly kind: "deferred"; readonly note: string; readonly until: number }
  /** The reason for the deferral no longer applies: the link is up, or the place is free. */
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
  /** The process that ran the job has ended. */
  | { readonly kind: "interrupted" }
  | {
      readonly kind: "ended";
      readonly end: OpenEnd;
      readonly packet?: { readonly id: PacketId; readonly patch: PacketPatch };
    }
  | { readonly kind: "expired" }
  | { readonly kind: "cancelled"; readonly why?: string; readonly unsentOnly?: boolean }
);

export type JobEventKind = JobEvent["kind"];

/** Facts about a job's packets in the store; to be read in the unit of work that takes the step. */
export interface JobFacts {
  readonly soFar: SoFar;
  /** Packets that may have left, each with a counter of its own. */
  readonly sentPackets: number;
}

/** What a step changes besides the job itself, in the same unit of work, in this order. */
export type JobEffect =
  | { readonly kind: "packet"; readonly id: PacketId; readonly patch: PacketPatch }
  | { readonly kind: "raise-counter"; readonly keySet: string; readonly floor: number }
  | ({ readonly kind: "event" } & EventFacts)
  /** The job has ended: apply the effects of its end. */
  | { readonly kind: "end"; readonly end: JobEnd };

/** The job after an event, with the other changes; or why the event is refused, in which case nothing changes. */
export type JobStep =
  | { readonly job: Job; readonly effects: readonly JobEffect[] }
  /** `ended`: it had ended; `stage`: not allowed at its stage; `sent`: a packet may have left. */
  | { readonly refused: "ended" | "stage" | "sent" };
