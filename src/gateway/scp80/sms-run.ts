import type { Clock } from "../../base/clock.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import type { PacketId } from "../../base/id.ts";
import { backoffMs } from "../../base/retry.ts";
import { swText } from "../../codec/apdu/status-word.ts";
import { readSegment } from "../../codec/sms/concatenation.ts";
import type { Log } from "../../link/driver.ts";
import { type SmsBearer, type SubmitOutcome, submitFate } from "../../link/sms-bearer.ts";
import { withFrameContext, withLinkOwner } from "../../link/trace.ts";
import { withAbortGrace } from "../jobs/abort-grace.ts";
import type { FeedJob } from "../jobs/feed-job.ts";
import { openFailed } from "../jobs/job-endings.ts";
import type { Carried, JobEvent, JobStep, SubmitFailure } from "../jobs/job-events.ts";
import { failedSubmit, fateUnknown, ofClient } from "../jobs/job-step.ts";
import { reportLateAnswer } from "../jobs/late-answer.ts";
import type { LinkBackoff, LinkTrouble } from "../links/link-backoff.ts";
import type { Link, Links } from "../links/links.ts";
import { openFailure } from "../model/failure.ts";
import type { Job } from "../model/job.ts";
import type { OpenEnd } from "../model/job-end.ts";
import type { KeySet } from "../model/key-set.ts";
import type { PacketPatch, PacketRecord } from "../model/packet.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { mayHaveActed, statusMeaning } from "../scripts/command-words.ts";
import { unprovenNote, type Verdict } from "../scripts/verdict.ts";
import type { Answers, Flight } from "./answers.ts";
import type { BegunJob } from "./begin-job.ts";
import { type AnswerSource, evaluateResponse, verdictInFlight } from "./evaluate-response.ts";
import { traceCommand } from "./packet-trace.ts";
import { type FoundRoute, reservePacket } from "./reserve-packet.ts";
import { readsNoReplay, wantsAnswer } from "./secured-packet.ts";
import { type Sending, type SmsDefaults, submitPacket } from "./submit-packet.ts";

interface SmsRunDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly links: Links;
  readonly answers: Answers;
  readonly backoff: LinkBackoff;
  readonly feed: FeedJob;
  readonly defaults: SmsDefaults;
}

/** A try over a link; `tries` is the number of earlier ones. */
type Attempt = Sending &
  Pick<LinkTrouble, "link" | "kind" | "since"> & {
    readonly tries: number;
    readonly keySet?: KeySet;
    /** Its packet was reserved when its job was accepted. */
    readonly begun: boolean;
  };

/** A packet whose answer is awaited. */
interface Awaited {
  readonly job: Job;
  readonly packet: PacketRecord;
  readonly answer: ReturnType<Answers["expect"]>;
  readonly timeoutMs: number;
  readonly tries: number;
}

/** A card in a reader answers within this time; a note is written only for longer waits. */
const envelopeGraceMs = 250;

/** Carries one job by short messages (ENVELOPE, modem or SMSC) to its end or its next try. */
export class SmsRun {
  readonly #deps: SmsRunDeps;

  constructor(deps: SmsRunDeps) {
    this.#deps = deps;
  }

  async run(queued: Job, target: Target, route: FoundRoute, signal: AbortSignal): Promise<void> {
    const { answers, clock, links } = this.#deps;
    const since = clock.monotonic();
    const tries = queued.attempts;
    const link = links.find(route.link);
    if (link?.bearer === undefined) return this.#later(queued, "the link was removed", tries);
    const timeoutMs = this.#timeoutMs(queued, target, link.kind);
    const onItsWay = route.bearer === "sms" ? await this.#onItsWay(queued, timeoutMs) : undefined;
    if (onItsWay !== undefined) {
      using answer = answers.expect(onItsWay.packet.id);
      return this.#awaitAnswer({ job: queued, answer, tries, ...onItsWay }, signal);
    }
    const reserved = await reservePacket(this.#deps, queued, target, route);
    if (reserved === undefined) return;
    const { job, packet, keySet } = reserved;
    if (packet.state === "answered") return this.#conclude(job, packet, tries);
    if (packet.transmissions > 1 && ofClient(job)) return this.#end(job, fateUnknown("it may have left before"));
    if (packet.transmissions > 1 && readsNoReplay(packet)) {
      const message = "the packet may have left before, and its SPI has no replay check: not sent again";
      return this.#end(job, openFailed("packet.answer-lost", message, { executed: "unknown" }));
    }
    const sending = { job, target, packet, tries, since, begun: false, ...(keySet && { keySet }) };
    await this.#send(sending, link, signal);
  }

  /** Carries a job whose packet was reserved for its first transmission when the job was accepted. */
  async carry({ job, packet, keySet }: BegunJob, target: Target, signal: AbortSignal): Promise<void> {
    const link = this.#deps.links.find(packet.link ?? "");
    const since = this.#deps.clock.monotonic();
    if (link?.bearer !== undefined)
      return this.#send({ job, target, packet, tries: 0, since, begun: true, ...(keySet && { keySet }) }, link, signal);
    await this.#neverLeft(packet);
    await this.#later(job, "the link was removed", 0);
  }

  async #send(sending: Omit<Attempt, "link" | "kind">, link: Link, signal: AbortSignal): Promise<void> {
    const { job, target } = sending;
    const { id, kind, bearer } = link;
    if (bearer === undefined) return;
    const timeoutMs = this.#timeoutMs(job, target, kind);
    link.expectActivity?.(this.#deps.clock.now() + timeoutMs);
    const owner = { target: target.id, job: job.id };
    const transmit = () => this.#transmit({ ...sending, link: id, kind }, bearer, timeoutMs, signal);
    await (kind === "reader" ? withLinkOwner(id, owner, transmit) : withFrameContext(owner, transmit));
  }

  /** How long to wait for the card's answer. */
  #timeoutMs(job: Job, target: Target, kind: LinkTrouble["kind"]): number {
    const { envelopeAnswerTimeoutMs, answerTimeoutMs } = this.#deps.defaults;
    const usual = kind === "reader" ? envelopeAnswerTimeoutMs : answerTimeoutMs;
    return job.request.answerTimeoutMs ?? target.settings.answerTimeoutMs ?? usual;
  }

  async #transmit(attempt: Attempt, bearer: SmsBearer, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { job, target, tries, keySet } = attempt;
    const packet = { ...attempt.packet, sentAt: this.#deps.clock.now() };
    const flight = keySet && { job, packet, target, keySet };
    using answer = this.#deps.answers.expect(packet.id, flight);
    const awaited = { job, packet, answer, timeoutMs, tries };
    traceCommand(job, target, packet);
    let outcomes: SubmitOutcome[];
    const note = (unit: (r: Repositories) => Promise<unknown>) => this.#noted(this.#deps.store.writeWithNext(unit));
    const sending = submitPacket({ ...this.#deps, note }, attempt, bearer, signal);
    try {
      outcomes = await withAbortGrace(sending, signal);
    } catch (thrown) {
      if (!signal.aborted) return this.#submitFailed(attempt, thrown, awaited, signal);
      if (submitFate(asGatewayError(thrown)) === "not-sent") await this.#neverLeft(packet);
      else sending.then((late) => this.#storeLateResponse(attempt, late)).catch(() => {});
      throw thrown;
    }
    const refusal = outcomes.find((outcome) => outcome.at === "refused");
    const report = await this.#takeReports(job, packet, outcomes, flight);
    if (report === "concluded") return;
    if (refusal?.at === "refused") return this.#refused(job, packet, refusal);
    if (job.request.fireAndForget || !wantsAnswer(packet)) {
      const event = this.#endEvent({ state: "done", result: { commands: [] } }, this.#sent(packet));
      // The client of a message that was begun at once has its answer: the end shares the commit of the next message.
      await (attempt.begun
        ? this.#deps.store.writeWithNext((r) => this.#deps.feed(r, job, event))
        : this.#feed(job, event));
      return;
    }
    const graceMs = bearer.kind === "envelope" ? Math.min(envelopeGraceMs, timeoutMs) : 0;
    if (graceMs > 0 && (await answer.wait(graceMs, signal))) return;
    // The network accepted it: from here on its answer may arrive at any time, also after a restart.
    const submitted = { kind: "submitted", at: this.#deps.clock.now(), packet: packet.id } as const;
    const stored = this.#deps.store.write(async (r) => {
      if (report !== "open") await this.#deps.feed(r, job, report);
      await this.#deps.feed(r, job, submitted);
    });
    this.#noted(stored);
    await this.#awaitAnswer({ ...awaited, timeoutMs: timeoutMs - graceMs }, signal);
  }

  /**
   * A packet that the network accepted before a restart and whose answer may still arrive: it is not sent again before
   * its time.
   */
  async #onItsWay(job: Job, timeoutMs: number): Promise<{ packet: PacketRecord; timeoutMs: number } | undefined> {
    if (job.attempts === 0) return undefined;
    const packet = (await this.#deps.store.read((r) => r.packets.ofJob(job.id))).at(-1);
    if (packet?.state !== "sent" || packet.sentAt === undefined || !wantsAnswer(packet)) return undefined;
    const leftMs = packet.sentAt + timeoutMs - this.#deps.clock.now();
    return leftMs > 0 ? { packet, timeoutMs: leftMs } : undefined;
  }

  /** An answer settles the job where it arrives. */
  async #awaitAnswer({ job, packet, answer, timeoutMs, tries }: Awaited, signal: AbortSignal): Promise<void> {
    const arrived = await answer.wait(Math.min(timeoutMs, job.validUntil - this.#deps.clock.now()), signal);
    if (!arrived) await this.#noAnswer(job, packet, tries);
  }

  /**
   * Response packets in the delivery reports themselves. One that announces another is not stored if the other follows
   * at once: it is returned.
   */
  async #takeReports(
    job: Job,
    packet: PacketRecord,
    outcomes: readonly SubmitOutcome[],
    flight: Flight | undefined,
  ): Promise<"concluded" | "open" | Extract<JobEvent, { readonly kind: "answered" }>> {
    const answered = this.#answeredBy(packet, outcomes);
    if (answered === undefined) return "open";
    const verdict =
      flight === undefined ? await this.#verdictOn(job, answered, byCard) : verdictInFlight(flight, answered);
    const settles = verdict.at !== "wait" && verdict.at !== "unproven";
    const { response } = answered;
    // An SMPP client's message ends with the card's present answer; the command stays open for later ones.
    if (!settles && ofClient(job)) {
      const result = { data: concatBytes(...response), commands: [] };
      await this.#end(
        job,
        { state: "done", result },
        { id: packet.id, patch: { ...this.#sent(packet).patch, response } },
      );
      return "concluded";
    }
    const event = this.#answeredEvent(answered, verdict);
    if (verdict.at === "wait") return event;
    await this.#feed(job, event);
    return settles ? "concluded" : "open";
  }

  /** The packet with the response that its delivery reports carry, if they do. */
  #answeredBy(packet: PacketRecord, outcomes: readonly SubmitOutcome[]) {
    const reports = outcomes.flatMap((outcome) =>
      outcome.at !== "accepted" && outcome.report !== undefined && isResponse(outcome.report) ? [outcome.report] : [],
    );
    if (reports.length === 0) return undefined;
    // Either the messages of one response, or a response to each message of the packet: then the last one is the
    // packet's.
    const whole = reports.every((report) => readSegment(report).concatenation !== undefined);
    const response = whole ? reports : reports.slice(-1);
    return { ...packet, state: "answered", response, answeredAt: this.#deps.clock.now() } as const;
  }

  /** Stores what a card reported after its job was abandoned. */
  async #storeLateResponse({ job, packet, link }: Attempt, outcomes: readonly SubmitOutcome[]): Promise<void> {
    const answered = this.#answeredBy(packet, outcomes);
    const verdict = answered === undefined ? undefined : await this.#verdictOn(job, answered, byCard);
    if (answered === undefined || verdict?.at === "wait" || verdict?.at === "unproven") return;
    const { state, response, answeredAt } = answered;
    await this.#deps.store.write(async (r) => {
      await r.packets.patch(packet.id, { state, response, answeredAt });
      const now = await r.jobs.get(job.id);
      if (now?.endedAt === undefined) return;
      await reportLateAnswer(r, now, answeredAt, { link, status: "in the delivery report" });
    });
  }

  /** A write that nothing waits for: what follows depends on the reservation, not on this. */
  #noted(stored: Promise<unknown>): void {
    stored.catch((error: unknown) => {
      this.#deps.log.error({ err: asGatewayError(error).message }, "failed to store job details");
    });
  }

  #verdictOn(job: Job, packet: PacketRecord, source?: AnswerSource): Promise<Verdict> {
    return this.#deps.store.read((r) => evaluateResponse(r, job, packet, source));
  }

  /** A response that an earlier version stored without settling its job, or that arrived after the last look. */
  async #conclude(job: Job, packet: PacketRecord, tries: number): Promise<void> {
    const verdict = await this.#verdictOn(job, packet);
    if (verdict.at === "wait") return this.#later(job, verdict.note, tries);
    if (verdict.at === "unproven") {
      await this.#deps.store.write((r) => r.packets.patch(packet.id, { state: "sent" }));
      return this.#later(job, unprovenNote(verdict.note), tries);
    }
    await this.#settle(job, packet, verdict);
  }

  async #settle(job: Job, packet: PacketRecord, verdict: Verdict): Promise<void> {
    await this.#feed(job, this.#answeredEvent(packet, verdict));
  }

  #answeredEvent(packet: PacketRecord, verdict: Verdict) {
    const { response, link, answeredAt: at = this.#deps.clock.now() } = packet;
    const carried: Carried = { bearer: "sms", packet, ...(response && { response }), ...(link && { link }) };
    return { kind: "answered", at, verdict, carried } as const;
  }

  async #submitFailed(attempt: Attempt, thrown: unknown, awaited: Awaited, signal: AbortSignal): Promise<void> {
    const { job, packet, tries } = attempt;
    const error = asGatewayError(thrown);
    const failure: SubmitFailure = {
      error: { ...openFailure(error), retry: error.retry },
      fate: submitFate(error),
      packet,
      answerDue: wantsAnswer(packet),
      replayable: readsNoReplay(packet),
    };
    const becomes = failedSubmit(job, failure);
    const at = this.#deps.clock.now();
    const until = becomes === "deferred" ? this.#backoff(job, tries, attempt) : at;
    await this.#feed(job, { kind: "submit-failed", at, failure, until });
    // It may be on its way: nothing is sent again until the time for its answer is over.
    if (becomes === "waits") await this.#awaitAnswer(awaited, signal);
  }

  /** A packet that certainly never left is still unsent: its next transmission is its first. */
  async #neverLeft(packet: PacketRecord): Promise<void> {
    await this.#deps.store.write((r) => r.packets.patch(packet.id, { transmissions: packet.transmissions - 1 }));
  }

  /** The card itself (RP-ERROR, status word of the ENVELOPE) refused a short message: a packet without it cannot run. */
  #refused(job: Job, packet: PacketRecord, { cause, sw }: Extract<SubmitOutcome, { at: "refused" }>): Promise<void> {
    const word = sw === undefined ? undefined : swText(sw);
    const doubtful = packet.transmissions > 1 || (word !== undefined && mayHaveActed(word));
    const meaning = word === undefined ? {} : { sw: word, meaning: statusMeaning(undefined, word) };
    const message = `the card refused the short message${word === undefined ? "" : `: ${word}, ${meaning.meaning}`}`;
    const executed = doubtful ? "unknown" : false;
    const end = openFailed("card.status", message, { executed, detail: { cause, ...meaning } });
    return this.#end(job, end, this.#sent(packet));
  }

  async #noAnswer(job: Job, { id, userData, transmissions: sent }: PacketRecord, tries: number): Promise<void> {
    const { store, clock, defaults } = this.#deps;
    const { packet, parts } = await store.read(async (r) => ({
      packet: await r.packets.get(id),
      parts: await r.packets.parts(id),
    }));
    if (packet?.state === "answered") return this.#conclude(job, packet, tries);
    const transmissions = packet?.transmissions ?? sent;
    const last =
      transmissions > defaults.retransmissions ||
      packet === undefined ||
      readsNoReplay(packet) ||
      job.work.kind === "packet";
    const came = packet?.response === undefined || !last ? undefined : await this.#verdictOn(job, packet);
    // Only the owner can read whether it was the last one.
    if (packet !== undefined && came?.at === "done" && clock.now() < job.validUntil)
      return this.#settle(job, packet, came);
    const messages = parts.filter(({ state }) => state === "failed").map(({ position }) => position + 1);
    const silence = {
      transmissions,
      last,
      ...(came?.at === "unproven" ? { unproven: came.note } : {}),
      ...(messages.length > 0 ? { undelivered: { messages, of: userData.length } } : {}),
    };
    const at = clock.now();
    await this.#feed(job, { kind: "no-answer", at, silence, until: last ? at : this.#backoff(job, tries) });
  }

  #sent({ id }: PacketRecord): { readonly id: PacketId; readonly patch: PacketPatch } {
    return { id, patch: { state: "sent", sentAt: this.#deps.clock.now() } };
  }

  async #end(job: Job, end: OpenEnd, packet?: { readonly id: PacketId; readonly patch: PacketPatch }): Promise<void> {
    await this.#feed(job, this.#endEvent(end, packet));
  }

  #endEvent(end: OpenEnd, packet?: { readonly id: PacketId; readonly patch: PacketPatch }) {
    return { kind: "ended", at: this.#deps.clock.now(), end, ...(packet && { packet }) } as const;
  }

  async #later(job: Job, note: string, tries: number): Promise<void> {
    await this.#feed(job, { kind: "deferred", at: this.#deps.clock.now(), note, until: this.#backoff(job, tries) });
  }

  #feed(job: Job, event: JobEvent): Promise<JobStep> {
    return this.#deps.store.write((r) => this.#deps.feed(r, job, event));
  }

  /** Until when a job is deferred after so many tries; if a link failed, at most until that link is up again. */
  #backoff(job: Job, tries: number, attempt?: Attempt): number {
    const { clock, random, backoff } = this.#deps;
    const delayMs = backoffMs(tries, { firstMs: 250, maxMs: 60_000, random });
    const back = attempt && backoff.defer({ ...attempt, job: job.id, target: job.target, delayMs });
    return back?.earliest ?? clock.now() + delayMs;
  }
}

/** A delivery report is the card's own answer to the command that carried the packet. */
const byCard = { byCard: true } as const;

/** Whether the TP-UD of a delivery report carries a response packet (or a later segment of one). */
function isResponse(userData: Uint8Array): boolean {
  try {
    const segment = readSegment(userData);
    return segment.security === "response" || segment.concatenation !== undefined;
  } catch {
    return false;
  }
}
