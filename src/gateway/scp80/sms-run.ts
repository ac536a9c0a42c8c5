import type { Clock } from "../../base/clock.ts";
import type { ErrorCode } from "../../base/error-catalogue.ts";
import { asGatewayError, type GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { backoffMs } from "../../base/retry.ts";
import { readSegment } from "../../codec/sms/concatenation.ts";
import type { Log } from "../../link/driver.ts";
import { type SmsBearer, type SubmitOutcome, submitFate } from "../../link/sms-bearer.ts";
import { withFrameContext } from "../../link/trace.ts";
import { withAbortGrace } from "../jobs/abort-grace.ts";
import type { EndJob } from "../jobs/end-job.ts";
import { reportLateAnswer } from "../jobs/late-answer.ts";
import { expireJob } from "../jobs/stop-job.ts";
import type { LinkBackoff, LinkTrouble } from "../links/link-backoff.ts";
import type { Links } from "../links/links.ts";
import { type OpenFailure, openFailure } from "../model/failure.ts";
import { endStates, type Job } from "../model/job.ts";
import type { PacketPatch, PacketRecord } from "../model/packet.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { mayHaveActed, statusMeaning } from "../scripts/command-words.ts";
import { unprovenNote, type Verdict } from "../scripts/verdict.ts";
import type { Answers } from "./answers.ts";
import { type AnswerSource, evaluateResponse } from "./evaluate-response.ts";
import { traceCommand } from "./packet-trace.ts";
import { type FoundRoute, reservePacket } from "./reserve-packet.ts";
import { readsNoReplay, wantsAnswer } from "./secured-packet.ts";
import { type Sending, type SmsDefaults, submitPacket } from "./submit-packet.ts";

export interface SmsRunDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly links: Links;
  readonly answers: Answers;
  readonly comebacks: LinkBackoff;
  readonly endJob: EndJob;
  readonly defaults: SmsDefaults;
}

/** A try over a link. */
type Attempt = Sending & Pick<LinkTrouble, "link" | "kind" | "since">;

/** Carries one job by short messages (ENVELOPE, modem or SMSC) up to its end or its next try. */
export class SmsRun {
  readonly #deps: SmsRunDeps;

  constructor(deps: SmsRunDeps) {
    this.#deps = deps;
  }

  async run(job: Job, target: Target, route: FoundRoute, signal: AbortSignal): Promise<void> {
    const since = this.#deps.clock.monotonic();
    const link = this.#deps.links.find(route.link);
    const bearer = link?.bearer;
    if (link === undefined || bearer === undefined) return this.#later(job, "the link went away");
    const timeoutMs =
      job.request.answerTimeoutMs ??
      target.settings.answerTimeoutMs ??
      (route.bearer === "envelope" ? this.#deps.defaults.envelopeAnswerTimeoutMs : this.#deps.defaults.answerTimeoutMs);
    const onItsWay = route.bearer === "sms" ? await this.#onItsWay(job, timeoutMs) : undefined;
    if (onItsWay !== undefined) {
      using answer = this.#deps.answers.expect(onItsWay.packet.id);
      return this.#awaitAnswer(job, onItsWay.packet, answer, onItsWay.leftMs, signal);
    }
    const packet = await reservePacket(this.#deps, job, target, route);
    if (packet === undefined) return;
    if (packet.state === "answered") return this.#conclude(job, packet);
    if (packet.transmissions > 1 && ofClient(job)) return this.#fateUnknown(job, "it may have left before", {});
    if (packet.transmissions > 1 && readsNoReplay(packet)) {
      return this.#fail(
        job,
        "packet.answer-lost",
        "the packet may have left before, and its SPI has no replay check: not sent again",
        { executed: "unknown" },
      );
    }
    link.expectActivity?.(this.#deps.clock.now() + timeoutMs);
    await withFrameContext({ target: target.id, job: job.id }, () =>
      this.#transmit({ job, target, packet, link: link.id, kind: link.kind, since }, bearer, timeoutMs, signal),
    );
  }

  async #transmit(attempt: Attempt, bearer: SmsBearer, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { job, target, packet } = attempt;
    using answer = this.#deps.answers.expect(packet.id);
    traceCommand(job, target, packet);
    let outcomes: SubmitOutcome[];
    const deps = { ...this.#deps, note: (unit: (r: Repositories) => Promise<unknown>) => this.#note(unit) };
    const sending = submitPacket(deps, attempt, bearer, signal);
    try {
      outcomes = await withAbortGrace(sending, signal);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      if (signal.aborted) {
        if (submitFate(error) === "not-sent") await this.#neverLeft(packet);
        else sending.then((late) => this.#hearLate(attempt, late)).catch(() => {});
        throw thrown;
      }
      if (submitFate(error) !== "unknown" || ofClient(job) || !wantsAnswer(packet) || readsNoReplay(packet))
        return this.#submitFailed(attempt, error);
      // It may be on its way: the card's answer tells, and until its time is over nothing is sent again.
      const note = `${error.code}: ${error.message}; whether the packet left is unknown, waiting for the card's answer`;
      this.#note((r) => r.jobs.patch(job.id, { note }));
      return this.#awaitAnswer(job, packet, answer, timeoutMs, signal);
    }
    const refusal = outcomes.find((outcome) => outcome.at === "refused");
    const report = await this.#takeReports(job, packet, outcomes);
    if (report === "concluded") return;
    if (refusal?.at === "refused") {
      return this.#refused(job, packet, refusal);
    }
    if (job.request.fireAndForget || !wantsAnswer(packet)) {
      const sent = { id: packet.id, patch: { state: "sent", sentAt: this.#deps.clock.now() } } as const;
      await this.#deps.endJob(job.id, { state: "done", result: { commands: [] } }, sent);
      return;
    }
    await this.#awaitAnswer(job, packet, answer, timeoutMs, signal);
  }

  /** A packet the network took before a restart, whose answer may still come: it is not sent again before its time. */
  async #onItsWay(job: Job, timeoutMs: number): Promise<{ packet: PacketRecord; leftMs: number } | undefined> {
    if (job.attempts === 0) return undefined;
    const packet = (await this.#deps.store.read((r) => r.packets.ofJob(job.id))).at(-1);
    if (packet?.state !== "sent" || packet.sentAt === undefined || !wantsAnswer(packet)) return undefined;
    const leftMs = packet.sentAt + timeoutMs - this.#deps.clock.now();
    return leftMs > 0 ? { packet, leftMs } : undefined;
  }

  async #awaitAnswer(
    job: Job,
    packet: PacketRecord,
    answer: ReturnType<Answers["expect"]>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    this.#note((r) => r.jobs.patch(job.id, { state: "waiting" }));
    const arrived = await answer.wait(Math.min(timeoutMs, job.validUntil - this.#deps.clock.now()), signal);
    if (!arrived) return this.#noAnswer(job, packet);
    const now = await this.#deps.store.read(async (r) => ({
      job: await r.jobs.get(job.id),
      packets: await r.packets.ofJob(job.id),
    }));
    if (now.job === undefined || endStates.includes(now.job.state)) return;
    await this.#conclude(job, now.packets.find((one) => one.id === packet.id) ?? packet);
  }

  /** Response packets that came back in the delivery reports themselves. */
  async #takeReports(
    job: Job,
    packet: PacketRecord,
    outcomes: readonly SubmitOutcome[],
  ): Promise<"concluded" | "open"> {
    const answered = this.#answeredBy(packet, outcomes);
    if (answered === undefined) return "open";
    const verdict = await this.#judge(job, answered, byCard);
    if (verdict.at !== "wait" && verdict.at !== "unproven") {
      await this.#settle(job, answered, verdict);
      return "concluded";
    }
    const { response } = answered;
    // An SMPP client's message ends with what the card gave now; the command stays open for what follows.
    if (ofClient(job)) {
      const result = { data: response.join(""), commands: [] };
      const sent = { state: "sent", sentAt: this.#deps.clock.now(), response } as const;
      await this.#deps.endJob(job.id, { state: "done", result }, { id: packet.id, patch: sent });
      return "concluded";
    }
    const note = verdict.at === "wait" ? verdict.note : unprovenNote(verdict.note);
    await this.#deps.store.write(async (r) => {
      await r.packets.patch(packet.id, { response });
      await r.jobs.patch(job.id, { note });
      if (verdict.at === "wait") return;
      const data = { link: packet.link, why: verdict.note };
      const at = this.#deps.clock.now();
      await r.events.append({ at, type: "job.unproven-answer", target: job.target, job: job.id, data });
    });
    return "open";
  }

  /** The packet with the response that its delivery reports carry, if they do. */
  #answeredBy(packet: PacketRecord, outcomes: readonly SubmitOutcome[]) {
    const reports = outcomes.flatMap((outcome) =>
      outcome.at !== "accepted" && outcome.report !== undefined && isResponse(outcome.report) ? [outcome.report] : [],
    );
    if (reports.length === 0) return undefined;
    // Messages of one response, or a response to each message of the packet: the last one is the packet's.
    const whole = reports.every((report) => readSegment(report).concatenation !== undefined);
    const response = (whole ? reports : reports.slice(-1)).map(toHex);
    return { ...packet, state: "answered", response, answeredAt: this.#deps.clock.now() } as const;
  }

  /** Keeps what a card reported after its job was given up. */
  async #hearLate({ job, packet, link }: Attempt, outcomes: readonly SubmitOutcome[]): Promise<void> {
    const answered = this.#answeredBy(packet, outcomes);
    const verdict = answered === undefined ? undefined : await this.#judge(job, answered, byCard);
    if (answered === undefined || verdict?.at === "wait" || verdict?.at === "unproven") return;
    const { state, response, answeredAt } = answered;
    await this.#deps.store.write(async (r) => {
      await r.packets.patch(packet.id, { state, response, answeredAt });
      const now = await r.jobs.get(job.id);
      if (now?.endedAt === undefined) return;
      await reportLateAnswer(r, now, answeredAt, { link, status: "in the delivery report" });
    });
  }

  /** Writes what nobody has to wait for: what follows rests on the reservation, not on this. */
  #note(unit: (r: Repositories) => Promise<unknown>): void {
    this.#deps.store.write(unit).catch((error: unknown) => {
      this.#deps.log.error({ err: asGatewayError(error).message }, "a note on a job could not be stored");
    });
  }

  #judge(job: Job, packet: PacketRecord, source?: AnswerSource): Promise<Verdict> {
    return this.#deps.store.read((r) => evaluateResponse(r, job, packet, source));
  }

  async #conclude(job: Job, packet: PacketRecord): Promise<void> {
    const verdict = await this.#judge(job, packet);
    if (verdict.at === "wait") return this.#later(job, verdict.note);
    if (verdict.at === "unproven") {
      // Only an earlier version took it for an answer.
      await this.#deps.store.write((r) => r.packets.patch(packet.id, { state: "sent" }));
      return this.#later(job, unprovenNote(verdict.note));
    }
    await this.#settle(job, packet, verdict);
  }

  async #settle(job: Job, packet: PacketRecord, verdict: Exclude<Verdict, { at: "wait" | "unproven" }>): Promise<void> {
    const answered = {
      state: "answered" as const,
      ...(packet.response === undefined ? {} : { response: packet.response }),
      answeredAt: packet.answeredAt ?? this.#deps.clock.now(),
    };
    if (verdict.at === "again") return this.#newPacket(job, packet, answered, verdict.note);
    const lost = verdict.at === "failed" && verdict.error.code === "packet.answer-lost";
    if (lost && job.request.onAnswerLost === "repeat")
      return this.#newPacket(job, packet, answered, "the answer was lost; asking again");
    if (verdict.at === "done")
      await this.#deps.endJob(job.id, { state: "done", result: verdict.result }, { id: packet.id, patch: answered });
    else
      await this.#deps.endJob(
        job.id,
        { state: "failed", error: verdict.error, ...(verdict.result === undefined ? {} : { result: verdict.result }) },
        { id: packet.id, patch: answered },
      );
  }

  /** Work may go again under a new counter: the card has proved that the old packet was not (or is safely) run. */
  async #newPacket(job: Job, packet: PacketRecord, answered: PacketPatch, note: string): Promise<void> {
    const { store, clock } = this.#deps;
    const packets = await store.read((r) => r.packets.ofJob(job.id));
    const sent = packets.filter(({ transmissions }) => transmissions > 0);
    if (sent.length >= job.request.maxPackets) {
      await this.#deps.endJob(job.id, failure("packet.counter-low", `${note}; ${sent.length} packets are enough`, {}), {
        id: packet.id,
        patch: answered,
      });
      return;
    }
    await store.write(async (r) => {
      await r.packets.patch(packet.id, { ...answered, state: "abandoned" });
      if (packet.keySet !== undefined && packet.cntr !== undefined) {
        await r.keySets.raiseCounter(packet.keySet, packet.cntr + 16 ** (sent.length + 1));
      }
      await r.jobs.patch(job.id, { state: "queued", note, notBefore: clock.now() });
    });
  }

  async #submitFailed(attempt: Attempt, error: GatewayError): Promise<void> {
    const { job, packet } = attempt;
    const fate = submitFate(error);
    if (fate === "unknown" && ofClient(job))
      return this.#fateUnknown(job, error.message, {
        code: error.code,
        ...(typeof error.detail.status === "number" ? { status: error.detail.status } : {}),
      });
    if (fate === "unknown" && readsNoReplay(packet)) {
      return this.#fail(
        job,
        "packet.answer-lost",
        `${error.message}; whether the card has it is unknown, and its SPI has no replay check`,
        { executed: "unknown", detail: { code: error.code } },
      );
    }
    if (fate === "not-sent") await this.#neverLeft(packet);
    if (error.retry === "never") {
      await this.#deps.endJob(job.id, { state: "failed", error: openFailure(error) });
      return;
    }
    await this.#later(job, `${error.code}: ${error.message}`, attempt);
  }

  /** A packet that certainly never left is still unsent: its next transmission is its first. */
  async #neverLeft(packet: PacketRecord): Promise<void> {
    await this.#deps.store.write((r) => r.packets.patch(packet.id, { transmissions: packet.transmissions - 1 }));
  }

  /** The card itself (RP-ERROR, status word of the ENVELOPE) refused a short message: a packet without it cannot run. */
  #refused(job: Job, packet: PacketRecord, { cause, sw }: Extract<SubmitOutcome, { at: "refused" }>): Promise<void> {
    const word = sw?.toString(16).toUpperCase().padStart(4, "0");
    const doubtful = packet.transmissions > 1 || (word !== undefined && mayHaveActed(word));
    const meaning = word === undefined ? {} : { sw: word, meaning: statusMeaning(undefined, word) };
    const message = `the card refused the short message${word === undefined ? "" : `: ${word}, ${meaning.meaning}`}`;
    return this.#fail(job, "card.status", message, {
      executed: doubtful ? "unknown" : false,
      detail: { cause, ...meaning },
    });
  }

  /** An SMPP client's message goes once, or its client hears that nobody knows: sending again is for the client to say. */
  #fateUnknown(job: Job, why: string, detail: OpenFailure["detail"]): Promise<void> {
    const message = `${why}; whether the card has it is unknown: not sent again`;
    return this.#fail(job, "packet.no-answer", message, { executed: "unknown", detail });
  }

  async #noAnswer(job: Job, packet: PacketRecord): Promise<void> {
    if (this.#deps.clock.now() >= job.validUntil)
      return void (await expireJob(this.#deps.store, job.id, this.#deps.clock.now()));
    const last =
      packet.transmissions > this.#deps.defaults.retransmissions || readsNoReplay(packet) || job.work.kind === "packet";
    if (last) return this.#givenUp(job, packet.id);
    await this.#later(job, "no answer; sending the same octets again");
  }

  /** The last transmission had no answer that counts; what came instead is told. */
  async #givenUp(job: Job, id: string): Promise<void> {
    const packet = await this.#deps.store.read((r) => r.packets.get(id));
    if (packet?.state === "answered") return this.#conclude(job, packet);
    const came = packet?.response === undefined ? undefined : await this.#judge(job, packet);
    // Whether it was the last is for its owner to say, who alone can read it.
    if (packet !== undefined && came?.at === "done") return this.#settle(job, packet, came);
    const transmissions = packet?.transmissions;
    const parts = await this.#deps.store.read((r) => r.packets.parts(id));
    const undelivered = parts.filter(({ state }) => state === "failed").map(({ position }) => position + 1);
    const facts = {
      transmissions,
      ...(came?.at === "unproven" ? { unproven: came.note } : {}),
      ...(undelivered.length > 0 ? { undelivered } : {}),
    };
    const lost = `the network did not deliver message ${undelivered.join(", ")} of ${packet?.userData.length}`;
    const silence = undelivered.length > 0 ? lost : "lost, or not authenticated by the card";
    const message = `no answer after ${transmissions} transmissions: ${came?.at === "unproven" ? came.note : silence}`;
    return this.#fail(job, "packet.no-answer", message, { detail: facts });
  }

  async #fail(job: Job, code: ErrorCode, message: string, facts: FailureFacts): Promise<void> {
    await this.#deps.endJob(job.id, failure(code, message, facts));
  }

  /** Puts the job off; when a link let it down, at most until that comes back. */
  async #later(job: Job, note: string, attempt?: Attempt): Promise<void> {
    const { clock, store, random, comebacks } = this.#deps;
    const delayMs = backoffMs(job.attempts, { firstMs: 250, maxMs: 60_000, random });
    const back = attempt && comebacks.defer({ ...attempt, job: job.id, target: job.target, delayMs });
    const notBefore = Math.min(back?.earliest ?? clock.now() + delayMs, job.validUntil);
    await store.write((r) => r.jobs.patch(job.id, { state: "queued", note, notBefore }));
  }
}

/** A delivery report is the card's own answer to the command that brought the packet. */
const byCard = { byCard: true } as const;

/** Whether the job carries what an SMPP client submitted. */
function ofClient(job: Job): boolean {
  return job.origin.face === "smpp";
}

type FailureFacts = Partial<Omit<OpenFailure, "code" | "message">>;

function failure(code: ErrorCode, message: string, { detail = {}, ...facts }: FailureFacts) {
  return { state: "failed" as const, error: { code, message, ...facts, detail } };
}

/** Whether the TP-UD of a delivery report carries a response packet (or a later segment of one). */
function isResponse(userData: Uint8Array): boolean {
  try {
    const segment = readSegment(userData);
    return segment.security === "response" || segment.concatenation !== undefined;
  } catch {
    return false;
  }
}
