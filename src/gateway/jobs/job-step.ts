import { withoutUndefined } from "../../base/defined.ts";
import type { PacketId } from "../../base/id.ts";
import { hasEnded, type Job } from "../model/job.ts";
import type { OpenEnd } from "../model/job-end.ts";
import type { PacketPatch } from "../model/packet.ts";
import { unprovenNote } from "../scripts/verdict.ts";
import type { SoFar } from "./executed-so-far.ts";
import { cancellation, closedEnd, expiry, openFailed } from "./job-endings.ts";
import type {
  AnswerVerdict,
  Carried,
  JobEffect,
  JobEvent,
  JobFacts,
  JobStep,
  Silence,
  SubmitFailure,
} from "./job-events.ts";
import { isTaken, stageOf } from "./job-stage.ts";

type Event<K extends JobEvent["kind"]> = Extract<JobEvent, { readonly kind: K }>;

/**
 * The state machine of jobs, without I/O and without a clock: the effect of an event on a job. `facts` are required
 * where {@link needsFacts} returns true.
 */
export function step(job: Job, event: JobEvent, facts: JobFacts = nothingSent): JobStep {
  if (hasEnded(job)) return { refused: "ended" };
  if (!isTaken(event.kind, stageOf(job))) return { refused: "stage" };
  switch (event.kind) {
    case "reserved":
      return reserved(job, event);
    case "submitted": {
      const sent = packetEffect(event.packet, { state: "sent", sentAt: event.at });
      return { job: { ...job, state: "waiting", ...noteOf(event.note) }, effects: [sent] };
    }
    case "submit-failed":
      return submitFailed(job, event, facts.soFar);
    case "no-answer":
      return silent(job, event, facts.soFar);
    case "answered":
      return answered(job, event, facts);
    case "noted":
      return { job: { ...job, note: event.note }, effects: [] };
    case "deferred":
      return { job: deferred(job, event.note, event.until), effects: [] };
    case "due":
      return { job: { ...job, notBefore: event.at }, effects: [] };
    case "session-chosen":
      return sessionChosen(job, event);
    case "session-missed": {
      const { at, why } = event;
      const data = { from: "https", why } as const;
      return { job: requeued(job, why, at), effects: [{ kind: "event", type: "job.rerouted", data }] };
    }
    case "delivered":
      return delivered(job, event);
    case "interrupted":
      return { job: requeued(job, "resumed after a restart", event.at), effects: [] };
    case "ended": {
      const { packet } = event;
      const before = packet === undefined ? [] : [packetEffect(packet.id, packet.patch)];
      return ended(job, event.at, event.end, facts.soFar, before);
    }
    case "expired":
      return ended(job, event.at, { state: "expired", error: expiry(job, facts.soFar) }, facts.soFar);
    case "cancelled":
      if (event.unsentOnly === true && facts.soFar.left) return { refused: "sent" };
      return ended(job, event.at, { state: "cancelled", error: cancellation(event.why, facts.soFar) }, facts.soFar);
  }
}

/** Facts of a job that has not sent anything. */
const nothingSent: JobFacts = { soFar: { left: false, executed: false }, sentPackets: 0 };

/** Whether the step of an event depends on what the job sent. */
export function needsFacts(job: Job, event: JobEvent): boolean {
  switch (event.kind) {
    case "expired":
    case "cancelled":
    case "no-answer":
    case "submit-failed":
      return true;
    case "ended":
      return event.end.error !== undefined && event.end.error.executed === undefined;
    case "answered":
      return isNotRun(job, event.verdict, event.carried);
    default:
      return false;
  }
}

function reserved(job: Job, { at, chosen, packet }: Event<"reserved">): JobStep {
  const started = { ...job, state: "running" as const, chosen, attempts: job.attempts + 1 };
  const next = job.startedAt === undefined ? { ...started, startedAt: at } : started;
  if (packet === undefined) return { job: next, effects: [] };
  return { job: next, effects: [{ kind: "event", type: "job.sending", data: { ...chosen, ...packet } }] };
}

/** Outcome of a job whose packet could not be handed over. */
type FailedSubmit = "waits" | "deferred" | "ended";

/**
 * Whether the job waits for the card's answer, tries again, or ends. An SMPP client's message is sent once: the client
 * decides whether to send it again.
 */
export function failedSubmit(job: Job, { error, fate, answerDue, replayable }: SubmitFailure): FailedSubmit {
  if (fate === "unknown") {
    if (ofClient(job) || replayable) return "ended";
    if (answerDue) return "waits";
  }
  return error.retry === "never" ? "ended" : "deferred";
}

function submitFailed(job: Job, { at, failure, until }: Event<"submit-failed">, soFar: SoFar): JobStep {
  const { error, fate, packet } = failure;
  const unsent: JobEffect[] =
    fate === "not-sent" ? [packetEffect(packet.id, { transmissions: packet.transmissions - 1 })] : [];
  switch (failedSubmit(job, failure)) {
    case "waits": {
      const note = `${error.code}: ${error.message}; whether the packet was sent is unknown, waiting for the card's answer`;
      return { job: { ...job, state: "waiting", note }, effects: unsent };
    }
    case "deferred":
      return { job: deferred(job, `${error.code}: ${error.message}`, until), effects: unsent };
    case "ended":
      return ended(job, at, submitEnd(job, failure), soFar, unsent);
  }
}

function submitEnd(job: Job, { error, fate, replayable }: SubmitFailure): OpenEnd {
  const { code, message, detail } = error;
  if (fate === "unknown" && ofClient(job)) {
    const facts = { code, ...(typeof detail.status === "number" ? { status: detail.status } : {}) };
    return fateUnknown(message, facts);
  }
  if (fate === "unknown" && replayable) {
    const text = `${message}; whether the card received it is unknown, and its SPI has no replay check`;
    return openFailed("packet.answer-lost", text, { executed: "unknown", detail: { code } });
  }
  const { retry: _, ...open } = error;
  return { state: "failed", error: open };
}

/** The end of a job that is not sent again although it is unknown whether the card has it. */
export function fateUnknown(why: string, detail: Readonly<Record<string, unknown>> = {}): OpenEnd {
  const message = `${why}; whether the card received it is unknown: not sent again`;
  return openFailed("packet.no-answer", message, { executed: "unknown", detail });
}

function silent(job: Job, { at, silence, until }: Event<"no-answer">, soFar: SoFar): JobStep {
  if (at >= job.validUntil) return ended(job, at, { state: "expired", error: expiry(job, soFar) }, soFar);
  if (!silence.last) return { job: deferred(job, "no answer; sending the same octets again", until), effects: [] };
  return ended(job, at, silenceEnd(silence), soFar);
}

/** The last transmission had no valid answer; what arrived instead is reported. */
function silenceEnd({ transmissions, unproven, undelivered }: Silence): OpenEnd {
  const lost =
    undelivered === undefined
      ? "lost, or not authenticated by the card"
      : `the network did not deliver message ${undelivered.messages.join(", ")} of ${undelivered.of}`;
  return openFailed("packet.no-answer", `no answer after ${transmissions} transmissions: ${unproven ?? lost}`, {
    detail: {
      transmissions,
      ...withoutUndefined({ unproven, undelivered: undelivered?.messages }),
    },
  });
}

/** The answer settles the job, whatever carried it and wherever it arrived. */
function answered(job: Job, event: Event<"answered">, facts: JobFacts): JobStep {
  const { at, verdict, carried, received } = event;
  const told: JobEffect[] =
    received === undefined ? [] : [{ kind: "event", type: "job.answered", data: { ...received } }];
  const response = carried.bearer === "sms" && carried.response !== undefined ? { response: carried.response } : {};
  // The time of a packet whose answer follows at once is stored with the answer.
  const sent = carried.bearer === "sms" ? withoutUndefined({ sentAt: carried.packet.sentAt }) : {};
  switch (verdict.at) {
    case "wait":
      return { job: { ...job, note: verdict.note }, effects: kept(carried, response) };
    case "unproven": {
      const data = { link: carried.bearer === "sms" ? carried.link : undefined, why: verdict.note };
      const unproven: JobEffect = { kind: "event", type: "job.unproven-answer", data };
      return { job: { ...job, note: unprovenNote(verdict.note) }, effects: [...kept(carried, response), unproven] };
    }
    case "part":
      return { job: { ...job, result: verdict.result, note: verdict.note }, effects: told };
    default:
      break;
  }
  if (isNotRun(job, verdict, carried)) return sentAgain(job, event, facts, told);
  const packet: JobEffect[] =
    carried.bearer === "sms"
      ? [packetEffect(carried.packet.id, { state: "answered", ...sent, ...response, answeredAt: at })]
      : [];
  const effects = [...packet, ...told];
  if (verdict.at === "done") return ended(job, at, { state: "done", result: verdict.result }, facts.soFar, effects);
  if (verdict.at === "again") return { refused: "stage" };
  const result = withoutUndefined({ result: verdict.result });
  return ended(job, at, { state: "failed", error: verdict.error, ...result }, facts.soFar, effects);
}

/**
 * Whether the work may be sent again: the card has proved that it did not run it, or its order allows running it twice.
 */
function isNotRun(job: Job, verdict: AnswerVerdict, carried: Carried): boolean {
  if (verdict.at === "again") return true;
  if (verdict.at !== "failed" || job.request.onAnswerLost !== "repeat") return false;
  const { code } = verdict.error;
  if (carried.bearer === "sms") return code === "packet.answer-lost";
  const lost = code === "packet.answer-lost" || code === "packet.no-answer";
  return lost && carried.repeatable && job.attempts < job.request.maxPackets;
}

/** In a session the same script is sent again; a packet is sent again under a counter that the card has not seen. */
function sentAgain(
  job: Job,
  { at, verdict, carried }: Event<"answered">,
  { soFar, sentPackets }: JobFacts,
  told: readonly JobEffect[],
): JobStep {
  if (carried.bearer === "https") {
    // One that has left the session in the meantime continues where it is.
    if (job.state !== "waiting" || job.chosen?.bearer !== "https") return { job, effects: told };
    const why = verdict.at === "failed" ? verdict.error.message : "";
    return { job: { ...job, note: `${why}; sending the trigger again` }, effects: told };
  }
  const { packet, response } = carried;
  const note = verdict.at === "again" ? verdict.note : "the answer was lost; sending again";
  const answer = { answeredAt: at, ...withoutUndefined({ sentAt: packet.sentAt, response }) };
  if (sentPackets >= job.request.maxPackets) {
    const enough = openFailed("packet.counter-low", `${note}; the limit of ${sentPackets} packets is reached`);
    return ended(job, at, enough, soFar, [packetEffect(packet.id, { state: "answered", ...answer }), ...told]);
  }
  const effects: JobEffect[] = [packetEffect(packet.id, { state: "abandoned", ...answer }), ...told];
  const { keySet, cntr } = packet;
  if (keySet !== undefined && cntr !== undefined)
    effects.push({ kind: "raise-counter", keySet, floor: cntr + 16 ** (sentPackets + 1) });
  return { job: requeued(job, note, at), effects };
}

function sessionChosen(job: Job, { why, dueBy, untouched }: Event<"session-chosen">): JobStep {
  // Tries over another bearer that certainly did not reach the card do not count; those of the session do.
  const attempts = untouched && job.chosen?.bearer !== "https" ? 0 : job.attempts;
  const chosen = { bearer: "https", link: "scp81", why } as const;
  const waits = dueBy === undefined ? {} : { note: "waits for the card's session", notBefore: dueBy };
  return { job: { ...job, state: "waiting", attempts, chosen, ...waits }, effects: [] };
}

function delivered(job: Job, { at, attempts, octets, part, partsLeft }: Event<"delivered">): JobStep {
  const next = { ...job, attempts, note: "delivered to the card" };
  const data = { bearer: "https", octets, part, partsLeft } as const;
  return {
    job: job.startedAt === undefined ? { ...next, startedAt: at } : next,
    effects: [{ kind: "event", type: "job.sending", data }],
  };
}

function ended(job: Job, at: number, open: OpenEnd, soFar: SoFar, before: readonly JobEffect[] = []): JobStep {
  const end = closedEnd(job, open, soFar);
  return { job: { ...job, ...end, endedAt: at }, effects: [...before, { kind: "end", end }] };
}

function deferred(job: Job, note: string, until: number): Job {
  return { ...job, state: "queued", note, notBefore: Math.min(until, job.validUntil) };
}

function requeued(job: Job, note: string, at: number): Job {
  return { ...job, state: "queued", note, notBefore: at };
}

function packetEffect(id: PacketId, patch: PacketPatch): JobEffect {
  return { kind: "packet", id, patch };
}

/** What is stored of a response that does not settle its packet. */
function kept(carried: Carried, response: { readonly response?: readonly Uint8Array[] }): JobEffect[] {
  return carried.bearer === "sms" && response.response !== undefined ? [packetEffect(carried.packet.id, response)] : [];
}

function noteOf(note: string | undefined): { readonly note?: string } {
  return withoutUndefined({ note });
}

/** Whether the job carries what an SMPP client submitted. */
export function ofClient(job: Job): boolean {
  return job.origin.face === "smpp";
}
