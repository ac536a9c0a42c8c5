import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import { newId, type TargetId } from "../../base/id.ts";
import { porWords } from "../../codec/ota/por-status.ts";
import { assemble, readSegment, type Segment } from "../../codec/sms/concatenation.ts";
import type { Log } from "../../link/driver.ts";
import type { InboundItem } from "../../link/sms-bearer.ts";
import { type FeedJob, wasTaken } from "../jobs/feed-job.ts";
import { reportLateAnswer } from "../jobs/late-answer.ts";
import type { ArrivedItem, InboxEntry, ReassembledMessage } from "../model/inbox.ts";
import { hasEnded } from "../model/job.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Notifications } from "../notifications/notifications.ts";
import type { Answers } from "../scp80/answers.ts";
import { evaluateResponse, verdictOf } from "../scp80/evaluate-response.ts";
import { keepPartOfResponse } from "../scp80/partial-response.ts";
import { type Answered, answersFlight, findAnswered } from "../scp80/response-match.ts";
import { forwardToClient } from "../smsc/forward.ts";
import { receiptCame } from "../smsc/settle.ts";
import { targetOfNumber } from "../targets/target-lookup.ts";

interface InboundDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly answers: Answers;
  readonly notifications: Notifications;
  readonly feed: FeedJob;
  /** The target may be free for its next job. */
  readonly kick: (target: TargetId) => void;
}

/** Counts the outcome of items. */
type SettleEntries = (ids: readonly string[], state: "held" | "done", verdict: string) => Promise<void>;

/** Segments older than this are abandoned. */
const reassemblyMs = 10 * 60_000;

/**
 * Processes the items that links receive: each is stored and acknowledged first, then processed. A message takes effect
 * in the same unit of work that marks it as processed, so it takes effect exactly once, also after a crash.
 */
export class Inbound {
  readonly #deps: InboundDeps;
  #working: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  /** No stored item waits to be processed. */
  #caughtUp = false;

  constructor(deps: InboundDeps) {
    this.#deps = deps;
  }

  /**
   * The handler of a link's items; resolves when the item is durable. `target` is given for a card in a reader. An item
   * that arrives while none waits is processed in the unit of work that stores it.
   */
  async accept(link: string, item: InboundItem, target?: TargetId): Promise<void> {
    const receivedAt = this.#deps.clock.now();
    const from = withoutUndefined({ target });
    const arrived = { id: newId("msg", receivedAt), link, item, receivedAt, ...from };
    if (this.#caughtUp && !this.#stopped && (await this.#takeNow(arrived))) return;
    this.#caughtUp = false;
    await this.#deps.store.write((r) => r.inbox.insert({ ...arrived, state: "new" }));
    this.work();
  }

  /** False if it could not be processed: the caller stores it unchanged. */
  async #takeNow(arrived: ArrivedItem): Promise<boolean> {
    const wake: (() => void)[] = [];
    try {
      await this.#deps.store.write(async (r) => {
        wake.length = 0;
        await this.#understand(r, arrived, wake, async (ids, state, verdict) => {
          await r.inbox.insert({ ...arrived, state, verdict });
          const others = ids.filter((id) => id !== arrived.id);
          if (others.length > 0) await r.inbox.finish(others, state, verdict);
        });
      });
    } catch (thrown) {
      if (this.#deps.store.trouble !== undefined) throw thrown;
      return false;
    }
    for (const act of wake) act();
    return true;
  }

  /** Received items, newest first, before the given seq. */
  async list(before: number | undefined, limit: number): Promise<InboxEntry[]> {
    return this.#deps.store.read((r) => r.inbox.list(before, limit));
  }

  /** Processes everything that was not processed yet; also to be called at start. */
  work(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#working ??= this.#run()
      .catch((error: unknown) => {
        this.#deps.log.error({ err: asGatewayError(error).message }, "failed to process the inbox");
      })
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** Ends the work at a durable point; items that arrive from now on are stored and processed at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again = false;
    await this.idle();
  }

  /** Resolves when no item is being processed. */
  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const entries = await this.#deps.store.read((r) => r.inbox.pending(100));
      for (const entry of entries) {
        if (this.#stopped) return;
        await this.#settle(entry);
      }
      if (entries.length > 0) this.#again = true;
      else this.#caughtUp = !this.#again;
    }
  }

  async #settle(entry: InboxEntry): Promise<void> {
    const wake: (() => void)[] = [];
    try {
      await this.#deps.store.write(async (r) => {
        wake.length = 0;
        await this.#understand(r, entry, wake, (ids, state, verdict) => r.inbox.finish(ids, state, verdict));
      });
    } catch (thrown) {
      const error = asGatewayError(thrown);
      this.#deps.log.warn(
        { link: entry.link, code: error.code, message: error.message },
        "failed to process an inbound message",
      );
      await this.#deps.store.write((r) => r.inbox.finish([entry.id], "done", `unreadable: ${error.message}`));
    }
    for (const act of wake) act();
  }

  async #understand(r: Repositories, entry: ArrivedItem, wake: (() => void)[], settle: SettleEntries): Promise<void> {
    const now = entry.receivedAt;
    if (entry.item.kind === "receipt") {
      const settled = await receiptCame(r, entry, now);
      return settle([entry.id], "done", settled ?? `receipt: ${entry.item.state}`);
    }
    const gathered = await this.#gather(r, entry, settle);
    if (gathered === undefined) return;
    const { whole, ids } = gathered;
    const target = entry.target ?? (await this.#senderOf(r, entry.item));
    const quick = await this.#fromFlight(r, entry, target, whole, wake);
    const answered =
      quick === undefined && whole.security === "response" ? await findAnswered(r, entry, target, whole) : undefined;
    const answer = quick ?? (await this.#response(r, entry, answered, whole, wake));
    const forwarded = answer === undefined ? await forwardToClient(r, entry, target, whole, answered, now) : undefined;
    const arrival = {
      link: entry.link,
      target,
      card: entry.target,
      whole,
      receivedAt: now,
      relayed: forwarded !== undefined,
    };
    const notification =
      answer ??
      (await this.#deps.notifications.take(r, { ...arrival, wake: (id) => wake.push(() => this.#deps.kick(id)) }));
    const plain = whole.security === "response" ? "response packet without an open command" : "short message";
    const verdict = [notification ?? (forwarded === undefined ? plain : undefined), forwarded]
      .filter((part) => part !== undefined)
      .join("; ");
    await settle(ids, "done", verdict);
    await r.events.append({
      at: entry.receivedAt,
      type: "message.received",
      ...withoutUndefined({ target }),
      data: {
        link: entry.link,
        messages: ids,
        verdict,
        octets: whole.body.length,
        ...withoutUndefined({ from: entry.item.from }),
      },
    });
  }

  async #senderOf(r: Repositories, item: Extract<InboundItem, { kind: "message" }>): Promise<TargetId | undefined> {
    if (item.from === undefined) return undefined;
    return (await targetOfNumber(r, item.from))?.id;
  }

  /** The whole message that this segment completes, or undefined. */
  async #gather(
    r: Repositories,
    entry: ArrivedItem,
    settle: SettleEntries,
  ): Promise<{ whole: ReassembledMessage; ids: string[] } | undefined> {
    const { item } = entry;
    if (item.kind !== "message") return undefined;
    if (!item.userDataHeader) return { whole: { body: item.userData, userData: [item.userData] }, ids: [entry.id] };
    const segment = readSegment(item.userData);
    const concat = segment.concatenation;
    if (concat === undefined) return { whole: wholeOf([{ segment, userData: item.userData }]), ids: [entry.id] };
    const held = await r.inbox.held(entry.link, entry.receivedAt - reassemblyMs);
    const parts = new Map([[concat.sequence, { id: entry.id, segment, userData: item.userData }]]);
    for (const other of held) {
      if (other.item.kind !== "message" || other.target !== entry.target || other.item.from !== item.from) continue;
      const theirs = readSegment(other.item.userData);
      const same = theirs.concatenation;
      if (
        same === undefined ||
        same.reference !== concat.reference ||
        same.total !== concat.total ||
        same.referenceBits !== concat.referenceBits
      )
        continue;
      parts.set(same.sequence, { id: other.id, segment: theirs, userData: other.item.userData });
    }
    const ordered = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    if (parts.size < concat.total) {
      await settle([entry.id], "held", `segment ${concat.sequence} of ${concat.total}`);
      const target = entry.target ?? (await this.#senderOf(r, item));
      if (target !== undefined)
        await keepPartOfResponse(this.#deps.feed, r, entry.receivedAt, target, ordered, concat.total);
      return undefined;
    }
    return { whole: wholeOf(ordered), ids: ordered.map((part) => part.id) };
  }

  /**
   * The answer to the packet in flight to the target, proven by its keys: its job is in memory, so no search is needed.
   */
  async #fromFlight(
    r: Repositories,
    entry: ArrivedItem,
    target: TargetId | undefined,
    whole: ReassembledMessage,
    wake: (() => void)[],
  ): Promise<string | undefined> {
    const { answers, feed } = this.#deps;
    const flight = target === undefined || whole.security !== "response" ? undefined : answers.inFlight(target);
    const reading = answersFlight(flight, whole);
    if (flight === undefined || reading === undefined || reading.intermediate) return undefined;
    const { packet, job } = flight;
    const at = entry.receivedAt;
    const response = whole.userData;
    const verdict = verdictOf(job, { ...packet, state: "answered" }, flight.target, reading);
    const carried = { bearer: "sms" as const, packet, response, link: entry.link };
    const received = { link: entry.link, status: reading.statusName };
    if (!wasTaken(await feed(r, job, { kind: "answered", at, verdict, carried, received }))) return undefined;
    if (verdict.at === "wait" || verdict.at === "unproven") return `${porWords(reading.statusName)} of job ${job.id}`;
    // The run of a packet in flight continues, and its target's queue after it.
    wake.push(() => answers.arrived(packet.id));
    return `${porWords(reading.statusName)} of job ${job.id}`;
  }

  /** Matches a response packet with the command that it answers; undefined when it belongs to an SMPP client. */
  async #response(
    r: Repositories,
    entry: ArrivedItem,
    answered: Answered | undefined,
    whole: ReassembledMessage,
    wake: (() => void)[],
  ): Promise<string | undefined> {
    // An answer to an SMPP client's packet is delivered to that client, whole and unchanged.
    if (answered === undefined || (answered.kind === "upstream" && answered.message !== undefined)) return undefined;
    const { packet } = answered;
    const response = whole.userData;
    if (answered.kind === "unproven") return this.#unproven(r, entry, packet, response, answered.why);
    const own = answered.kind === "own";
    const status = own ? answered.reading.statusName : "of a packet secured upstream";
    const words = porWords(status);
    const follows = own ? answered.reading.intermediate : answered.follows === true;
    if (follows) {
      const note = `${words}: the answer follows`;
      await this.#deps.feed(r, packet.job, { kind: "noted", at: entry.receivedAt, note });
      return `${words} of job ${packet.job}: the answer follows`;
    }
    const late = await this.#conclude(r, { ...packet, response, answeredAt: entry.receivedAt }, entry, status);
    wake.push(() => {
      this.#deps.answers.arrived(packet.id);
      this.#deps.kick(packet.target);
    });
    return `${words} of job ${packet.job}${late ? ", too late" : ""}`;
  }

  /** The sender is not authenticated: the response is kept with the packet, and the job continues to wait. */
  async #unproven(
    r: Repositories,
    { link, receivedAt: at }: ArrivedItem,
    packet: PacketRecord,
    response: readonly Uint8Array[],
    why: string,
  ): Promise<string> {
    const verdict = { at: "unproven" as const, note: why };
    const carried = { bearer: "sms" as const, packet, response, link };
    await this.#deps.feed(r, packet.job, { kind: "answered", at, verdict, carried });
    return `unproven response packet for job ${packet.job}: ${why}`;
  }

  /**
   * Settles the packet's job where its answer arrives, in the order of messages: what the card sends next may depend on
   * it. True when the job had ended before.
   */
  async #conclude(
    r: Repositories,
    packet: PacketRecord & Required<Pick<PacketRecord, "response" | "answeredAt">>,
    entry: ArrivedItem,
    status: string,
  ): Promise<boolean> {
    const job = await r.jobs.get(packet.job);
    const at = entry.receivedAt;
    const received = { link: entry.link, status };
    const { response, answeredAt } = packet;
    if (job === undefined || hasEnded(job)) {
      await r.packets.patch(packet.id, { state: "answered", response, answeredAt });
      if (job !== undefined) await reportLateAnswer(r, job, at, received);
      return true;
    }
    const verdict = await evaluateResponse(r, job, { ...packet, state: "answered" });
    const carried = { bearer: "sms" as const, packet, response, link: entry.link };
    await this.#deps.feed(r, job, { kind: "answered", at, verdict, carried, received });
    return false;
  }
}

function wholeOf(parts: readonly { segment: Segment; userData: Uint8Array }[]): ReassembledMessage {
  let pending: Parameters<typeof assemble>[0] = new Map();
  for (const part of parts) {
    const taken = assemble(pending, part.segment);
    pending = taken.pending;
    if (taken.complete !== undefined) {
      const { security, body } = taken.complete;
      return { ...withoutUndefined({ security }), body, userData: parts.map((one) => one.userData) };
    }
  }
  return { body: new Uint8Array(0), userData: parts.map((one) => one.userData) };
}
