import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { type JobId, newId } from "../../base/id.ts";
import type { Address } from "../../codec/smpp/bodies.ts";
import { isOctets } from "../../codec/smpp/data-coding.ts";
import type { MessageState } from "../../codec/smpp/message-state.ts";
import type { Log } from "../../link/driver.ts";
import { type FeedJob, wasTaken } from "../jobs/feed-job.ts";
import { digits } from "../model/address-digits.ts";
import type { GatewayEvent } from "../model/event.ts";
import type { JobQueue } from "../model/new-job.ts";
import type { SmscConversation, SmscMessage, SmscOutboxItem } from "../model/smsc-message.ts";
import type { Repositories, Store } from "../model/store.ts";
import { findTarget, resolveTarget } from "../targets/target-lookup.ts";
import { type BeginJob, storeAndBegin } from "./begin-message.ts";
import { SmscKeeper } from "./keeper.ts";
import { failureStatus } from "./message-verdict.ts";
import { holdSegment, jobOfMessages, messageKey, queueMessages, type SegmentPlace } from "./segments.ts";
import { settleMessage } from "./settle.ts";

/** A message as a client submitted it; its octets are never changed. */
export interface SmscOrder {
  readonly client: string;
  readonly to: string;
  readonly from?: string;
  readonly source: Address;
  readonly destination: Address;
  readonly userData: readonly Uint8Array[];
  readonly userDataHeader: boolean;
  readonly protocolId: number;
  /** As the client wrote it; the answer to the client has the same. */
  readonly dataCoding: number;
  /** The TP-DCS for it; the same when absent. */
  readonly tpDcs?: number;
  readonly validUntil?: number;
  readonly notBefore?: number;
  readonly receipt: "never" | "always" | "on-failure" | "on-success";
  readonly intermediateReceipt: boolean;
  readonly mode: string;
  readonly userMessageReference?: number;
  /** It is one segment of several. */
  readonly segment?: SegmentPlace;
}

const jobEnd = /^job\.(done|failed|expired|cancelled)$/;
const nothing = new Uint8Array(0);
const maxRemembered = 10_000;
/** Extra time for a message that is being submitted when the time of its transaction ends. */
const lastMomentMs = 2_000;

/** Settings for behavior that SMPP leaves to the SMSC. */
export interface SmscSettings {
  /** Validity of a message whose client gives none. */
  readonly validityMs: number;
  /** How long a segment waits for the others of its message; after that it is sent alone. */
  readonly segmentWaitMs: number;
  /** How long after the end of its validity a message may still be settled by a receipt of the network. */
  readonly graceMs: number;
  /** Longest time that a client in transaction mode waits for its answer. */
  readonly transactionMs: number;
}

const defaultSmscSettings: SmscSettings = {
  validityMs: 24 * 3_600_000,
  segmentWaitMs: 10_000,
  graceMs: 10 * 60_000,
  transactionMs: 30_000,
};

/** What {@link SmscConversations} needs. */
export interface SmscConversationsDeps {
  readonly store: Store;
  readonly jobs: JobQueue;
  readonly feed: FeedJob;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The gateway as an SMSC: a submitted message is a job whose octets are unchanged. A message of the card goes to the
 * client whose command it answers, or that last wrote to the card, and waits durably while that client is unbound.
 */
export class SmscConversations implements AsyncDisposable {
  readonly #jobs: JobQueue;
  readonly #store: Store;
  readonly #feed: FeedJob;
  readonly #clock: Clock;
  readonly #settings: SmscSettings;
  readonly #keeper: SmscKeeper;
  readonly #listeners = new Set<(client: string) => void>();
  /** Clients in transaction mode that wait for the outcome of a message. */
  readonly #watchers = new Set<() => void>();
  /** The last stored conversation of each target. */
  readonly #conversations = new Map<string, string>();
  readonly #off: () => void;

  constructor({ store, jobs, feed, clock, log }: SmscConversationsDeps, settings: Partial<SmscSettings> = {}) {
    this.#jobs = jobs;
    this.#store = store;
    this.#feed = feed;
    this.#clock = clock;
    this.#settings = { ...defaultSmscSettings, ...settings };
    this.#keeper = new SmscKeeper({ store, jobs, clock, log, graceMs: this.#settings.graceMs });
    this.#off = this.#store.onEvents((events) => this.#noteEvents(events));
  }

  /** Number of messages and receipts that wait for each client. */
  async depths(): Promise<Readonly<Record<string, number>>> {
    return this.#store.read((r) => r.smsc.depths());
  }

  /** Resumes segments and messages that an earlier process left waiting. */
  start(): void {
    this.#keeper.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#off();
    for (const wake of this.#watchers) wake();
    await this.#keeper[Symbol.asyncDispose]();
  }

  /**
   * Resolves when the message is durable; in transaction mode, when its outcome is known or the time is over.
   * @throws target.unknown, codec.value for times that contradict each other
   */
  async submit(order: SmscOrder): Promise<{ readonly messageId: string }> {
    const now = this.#clock.now();
    const messageId = newId("m", now).slice(2);
    const message = await storeAndBegin(this.#store, this.#jobs, (r, begin) =>
      this.#take(r, order, messageId, now, begin),
    );
    this.#remember(conversationOf(message));
    if (message.job === undefined) this.#keeper.look(now + this.#settings.segmentWaitMs);
    if (order.mode === "transaction") await this.#fate(messageId, now + this.#settings.transactionMs);
    return { messageId };
  }

  async query(
    client: string,
    messageId: string,
  ): Promise<{ state: MessageState; finalAt?: number; error: number } | undefined> {
    return this.#store.read(async (r) => {
      const found = await r.smsc.message(messageId);
      if (found === undefined || found.client !== client) return undefined;
      const job = found.state === "scheduled" && found.job !== undefined ? await r.jobs.get(found.job) : undefined;
      const left = job !== undefined && (job.attempts > 0 || job.notBefore <= this.#clock.now());
      return {
        state: left ? ("enroute" as const) : found.state,
        error: found.error,
        ...withoutUndefined({ finalAt: found.finalAt }),
      };
    });
  }

  /** Ends messages that have not left; a message of several segments is sent as a whole. */
  async cancel(
    client: string,
    what: { readonly messageId: string; readonly source: string; readonly destination: string },
  ): Promise<boolean> {
    const messages = await this.#store.read(async (r) => {
      if (what.messageId !== "") {
        const one = await r.smsc.message(what.messageId);
        return one !== undefined && one.client === client ? [one] : [];
      }
      const target = await resolveTarget(r, what.destination);
      const open = target === undefined ? [] : await r.smsc.openMessages(client, target.id);
      return open.filter((one) => digits(one.source.addr) === digits(what.source));
    });
    let cancelled = false;
    for (const message of messages) {
      if (message.job === undefined && (await this.#cancelHeld(message))) cancelled = true;
      else {
        // The other segments may have arrived in the meantime.
        const now = await this.#store.read((r) => r.smsc.message(message.id));
        if (now?.job !== undefined && (await this.#cancelJob(now.job))) cancelled = true;
      }
    }
    return cancelled;
  }

  readonly outbox = {
    pull: (client: string, limit: number): Promise<readonly SmscOutboxItem[]> =>
      this.#store.read((r) => r.smsc.pull(client, limit)),
    done: async (client: string, id: string): Promise<void> => {
      await this.#store.write((r) => r.smsc.drop(client, id));
    },
    refused: async (client: string, id: string, commandStatus: number): Promise<void> => {
      await this.#store.write(async (r) => {
        if (!(await r.smsc.drop(client, id))) return;
        await r.events.append({
          at: this.#clock.now(),
          type: "smsc.refused",
          data: { client, item: id, commandStatus },
        });
      });
    },
    onAvailable: (listener: (client: string) => void): (() => void) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    },
  };

  #noteEvents(events: readonly GatewayEvent[]): void {
    let ended = false;
    for (const { type, data } of events) {
      if (type === "smsc.outbox" && typeof data.client === "string")
        for (const listener of this.#listeners) listener(data.client);
      ended ||= type === "smsc.settled" || jobEnd.test(type);
    }
    if (ended) for (const wake of this.#watchers) wake();
  }

  /** Stores one submitted message as part of a unit of work: with its job, or held for the other segments. */
  async #take(r: Repositories, order: SmscOrder, id: string, now: number, begin: BeginJob): Promise<SmscMessage> {
    const target = await findTarget(r, order.to);
    const notBefore = Math.max(order.notBefore ?? now, now);
    const transaction = order.mode === "transaction";
    if (transaction && notBefore > now) {
      const detail = { field: "schedule_delivery_time" };
      throw new GatewayError("codec.value", "a message in transaction mode is delivered at once", { detail });
    }
    const validUntil = order.validUntil ?? notBefore + this.#settings.validityMs;
    if (validUntil <= notBefore) {
      const detail = { field: "validity_period" };
      throw new GatewayError("codec.value", "the validity period ends before the scheduled delivery", { detail });
    }
    const message: SmscMessage = {
      id,
      client: order.client,
      position: 0,
      target: target.id,
      source: order.source,
      destination: order.destination,
      receipt: order.receipt,
      intermediate: order.intermediateReceipt,
      ...withoutUndefined({ userMessageReference: order.userMessageReference }),
      dataCoding: order.dataCoding,
      state: notBefore > now ? "scheduled" : "enroute",
      error: 0,
      submittedAt: now,
      validUntil,
    };
    await this.#converse(r, conversationOf(message), now);
    const { protocolId, tpDcs: dataCoding = order.dataCoding, from } = order;
    const text = isOctets(dataCoding) ? {} : { smppText: true };
    const body = { protocolId, dataCoding, ...text, ...withoutUndefined({ from }), notBefore };
    // A client that waits for the outcome of one segment before it sends the next would wait forever.
    if (order.segment !== undefined && !transaction) {
      await r.smsc.insertMessage(message);
      const held = { message: id, ...order.segment, body: { ...body, userData: order.userData[0] ?? nothing } };
      const dueAt = Math.min(now + this.#settings.segmentWaitMs, validUntil);
      const job = await holdSegment(r, message, { ...held, messageOf: messageKey(message, order.segment), dueAt }, now);
      return job === undefined ? message : { ...message, job };
    }
    const { userDataHeader } = order;
    const until = transaction ? now + this.#settings.transactionMs + lastMomentMs : undefined;
    const packet = { ...body, userDataHeader, userData: order.userData };
    const job = jobOfMessages([message], packet, now, until);
    await (notBefore > now ? queueMessages(r, job) : begin(r, job, target));
    const placed = { ...message, job: job.id };
    await r.smsc.insertMessage(placed);
    return placed;
  }

  /** Stores the conversation with the target, unless nothing changed since the last message. */
  async #converse(r: Repositories, conversation: Omit<SmscConversation, "at">, at: number): Promise<void> {
    if (this.#conversations.get(conversation.target) === signatureOf(conversation)) return;
    // Cached again once it is durable: until then, other messages in the same commit must not depend on it.
    this.#conversations.delete(conversation.target);
    await r.smsc.putConversation({ ...conversation, at });
  }

  #remember(conversation: Omit<SmscConversation, "at">): void {
    const { target } = conversation;
    this.#conversations.delete(target);
    this.#conversations.set(target, signatureOf(conversation));
    if (this.#conversations.size > maxRemembered)
      this.#conversations.delete(this.#conversations.keys().next().value ?? "");
  }

  #cancelHeld(message: SmscMessage): Promise<boolean> {
    return this.#store.write(async (r) => {
      if (!(await r.smsc.release(message.id))) return false;
      await settleMessage(r, message, "deleted", { error: 0, at: this.#clock.now() });
      return true;
    });
  }

  async #cancelJob(job: JobId): Promise<boolean> {
    try {
      // A message that may have left is on its way to the card: cancel_sm has no effect on it.
      await this.#jobs.cancel(job, { unsentOnly: true });
      return true;
    } catch (error) {
      if (error instanceof GatewayError && error.code === "job.state") return false;
      throw error;
    }
  }

  /**
   * Resolves with a success, or when a network has the message and takes too long to report. A message that has not
   * left by then is never sent.
   * @throws smsc.status
   */
  async #fate(id: string, until: number): Promise<void> {
    const last = until + lastMomentMs;
    for (;;) {
      const now = this.#clock.now();
      const happened = this.#happening(now < until ? until : last);
      try {
        const message = await this.#store.read((r) => r.smsc.message(id));
        if (message?.state === "delivered") return;
        if (message === undefined || message.finalAt !== undefined || message.state === "unknown") {
          const detail = {
            message: id,
            state: message?.state ?? "unknown",
            status: failureStatus(message?.network),
          };
          throw new GatewayError("smsc.status", "the message was not delivered", { detail });
        }
        const standing = now < until ? "open" : await this.#overdue(message, now >= last);
        if (standing === "left") return;
        if (standing === "open") await happened.something;
      } finally {
        happened.end();
      }
    }
  }

  /**
   * A message whose client no longer waits: its job ends if it is deferred, or if this is the `last` attempt. `left`: a
   * network has the message; `open`: it is being submitted; `ended`: its fate is stored.
   */
  #overdue({ id, job }: SmscMessage, last: boolean): Promise<"left" | "open" | "ended"> {
    return this.#store.write(async (r) => {
      if (job === undefined) return "open";
      const known = await r.jobs.get(job);
      const handedOver = known?.endedAt === undefined && !(known?.state === "queued" && known.note !== undefined);
      if (handedOver && !last) return "open";
      if (wasTaken(await this.#feed(r, job, { kind: "expired", at: this.#clock.now() }))) return "ended";
      const now = await r.smsc.message(id);
      return now?.finalAt !== undefined || now?.state === "unknown" ? "ended" : "left";
    });
  }

  #happening(until: number): { readonly something: Promise<void>; readonly end: () => void } {
    const timer = new AbortController();
    let wake = () => {};
    const something = new Promise<void>((resolve) => {
      wake = resolve;
      this.#clock.sleep(Math.max(1, until - this.#clock.now()), timer.signal).then(resolve, () => undefined);
    });
    this.#watchers.add(wake);
    const end = () => {
      timer.abort();
      this.#watchers.delete(wake);
    };
    return { something, end };
  }
}

function conversationOf({
  target,
  client,
  source,
  destination,
  dataCoding,
}: SmscMessage): Omit<SmscConversation, "at"> {
  const coding = withoutUndefined({ dataCoding });
  return { target, client, number: digits(source.addr) ?? "", theirs: source, ours: destination, ...coding };
}

function signatureOf({ client, theirs, ours, dataCoding }: Omit<SmscConversation, "at">): string {
  return [client, dataCoding, theirs.ton, theirs.npi, theirs.addr, ours.ton, ours.npi, ours.addr].join("\n");
}
