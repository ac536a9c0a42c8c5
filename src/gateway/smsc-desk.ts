import type { Clock } from "../base/clock.ts";
import { GatewayError } from "../base/gateway-error.ts";
import { fromHex, toHex } from "../base/hex.ts";
import { newId } from "../base/id.ts";
import type { Address } from "../codec/smpp/bodies.ts";
import type { MessageState } from "../codec/smpp/message-state.ts";
import type { JobEnd } from "./end-job.ts";
import type { Gateway } from "./gateway.ts";
import type { Whole } from "./inbound.ts";
import type { InboxEntry } from "./inbox.ts";
import { endStates, type Job } from "./job.ts";
import type { SmscMessage, SmscOutboxItem } from "./smsc.ts";
import type { Repositories, Store } from "./store.ts";
import { findTarget } from "./targets.ts";

/** A message as a client submitted it; octets are never touched. */
export interface SmscOrder {
  readonly client: string;
  readonly to: string;
  readonly from?: string;
  readonly source: Address;
  readonly destination: Address;
  readonly userData: readonly Uint8Array[];
  readonly userDataHeader: boolean;
  readonly protocolId: number;
  readonly dataCoding: number;
  readonly validUntil?: number;
  readonly notBefore?: number;
  readonly receipt: "never" | "always" | "on-failure" | "on-success";
  readonly intermediateReceipt: boolean;
  readonly mode: string;
  readonly userMessageReference?: number;
}

/** An SMSC keeps a message this long when its client does not say. */
const defaultValidityMs = 24 * 3_600_000;
const finalStates: readonly MessageState[] = ["delivered", "expired", "deleted", "undeliverable", "rejected"];

/**
 * The gateway as an SMSC: a submitted message is a job whose octets pass as they are; what the card sends goes to the
 * client that last wrote to it, and waits durably while it is away.
 */
export class SmscDesk {
  readonly #gateway: Gateway;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #listeners = new Set<(client: string) => void>();

  constructor(gateway: Gateway, clock: Clock) {
    this.#gateway = gateway;
    this.#store = gateway.store;
    this.#clock = clock;
    this.#store.onEvents((events) => {
      for (const event of events) {
        const { client } = event.data;
        if (event.type === "smsc.outbox" && typeof client === "string")
          for (const listener of this.#listeners) listener(client);
      }
    });
  }

  /** Resolves when the message is durable; in transaction mode, when its fate is known. @throws target.unknown */
  async submit(order: SmscOrder): Promise<{ readonly messageId: string }> {
    const now = this.#clock.now();
    const messageId = newId("m", now).slice(2);
    const job = await this.#store.write(async (r) => {
      const target = await findTarget(r, order.to);
      const inserted = await r.jobs.insert({
        id: newId("job", now),
        target: target.id,
        state: "queued",
        lane: "normal",
        work: {
          kind: "packet",
          userData: order.userData.map(toHex),
          userDataHeader: order.userDataHeader,
          protocolId: order.protocolId,
          dataCoding: order.dataCoding,
          ...(order.from === undefined ? {} : { from: order.from }),
        },
        request: { bearer: "short-message", maxPackets: 1, fireAndForget: true },
        origin: { face: "smpp", client: order.client, reference: messageId },
        attempts: 0,
        notBefore: order.notBefore ?? now,
        validUntil: order.validUntil ?? now + defaultValidityMs,
        createdAt: now,
      });
      const message: SmscMessage = {
        id: messageId,
        client: order.client,
        job: inserted.job.id,
        target: target.id,
        source: order.source,
        destination: order.destination,
        receipt: order.receipt,
        intermediate: order.intermediateReceipt,
        ...(order.userMessageReference === undefined ? {} : { userMessageReference: order.userMessageReference }),
        state: order.notBefore === undefined ? "enroute" : "scheduled",
        error: 0,
        submittedAt: now,
      };
      await r.smsc.insertMessage(message);
      await r.smsc.putConversation({
        target: target.id,
        client: order.client,
        theirs: order.source,
        ours: order.destination,
        at: now,
      });
      await r.events.append({
        at: now,
        type: "job.queued",
        target: target.id,
        job: inserted.job.id,
        data: { origin: inserted.job.origin },
      });
      return inserted.job;
    });
    this.#gateway.kick(job.target);
    if (order.mode === "transaction") await this.#fate(job.id, job.validUntil);
    return { messageId };
  }

  async query(
    client: string,
    messageId: string,
  ): Promise<{ state: MessageState; finalAt?: number; error: number } | undefined> {
    const found = await this.#store.read((r) => r.smsc.message(messageId));
    if (found === undefined || found.client !== client) return undefined;
    return {
      state: found.state,
      error: found.error,
      ...(found.finalAt === undefined ? {} : { finalAt: found.finalAt }),
    };
  }

  async cancel(
    client: string,
    what: { readonly messageId: string; readonly source: string; readonly destination: string },
  ): Promise<boolean> {
    const messages = await this.#store.read(async (r) => {
      if (what.messageId !== "") {
        const one = await r.smsc.message(what.messageId);
        return one !== undefined && one.client === client ? [one] : [];
      }
      const target = await r.targets.resolve(what.destination);
      const open = target === undefined ? [] : await r.smsc.openMessages(client, target.id);
      return open.filter((one) => one.source.addr === what.source);
    });
    let cancelled = false;
    for (const message of messages) {
      const end = await this.#gateway.cancel(message.job).catch((error: unknown) => {
        if (error instanceof GatewayError && error.code === "job.state") return undefined;
        throw error;
      });
      cancelled ||= end !== undefined;
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

  async #fate(id: string, until: number): Promise<void> {
    for (;;) {
      const job = await this.#gateway.job(id);
      if (endStates.includes(job.state)) {
        if (job.state === "done") return;
        throw new GatewayError("smsc.status", job.error?.message ?? "the message was not delivered", {
          detail: { job: id },
        });
      }
      if (this.#clock.now() > until) return;
      await this.#clock.sleep(50);
    }
  }
}

/** The card's side spoke: hands its message, segment by segment as it came, to the client in conversation with it. */
export async function forwardToClient(
  r: Repositories,
  entry: InboxEntry,
  target: string | undefined,
  whole: Whole | undefined,
  at: number,
): Promise<string | undefined> {
  if (entry.item.kind === "receipt") return receiptCame(r, entry, at);
  const conversation = target === undefined ? undefined : await r.smsc.conversation(target);
  if (conversation === undefined || whole === undefined) return undefined;
  for (const userData of whole.userData) {
    const { userDataHeader, protocolId, dataCoding } = entry.item;
    await post(
      r,
      conversation.client,
      {
        id: newId("out", at),
        kind: "message",
        source: conversation.ours,
        destination: conversation.theirs,
        userData,
        userDataHeader,
        protocolId,
        dataCoding,
      },
      at,
    );
  }
  return `for SMPP client ${conversation.client}`;
}

/** What the end of a job means for the message it carried: its state, a receipt, and the card's own report. */
export async function messageEnded(r: Repositories, job: Job, end: JobEnd, at: number): Promise<void> {
  if (job.origin.face !== "smpp") return;
  const message = await r.smsc.messageOfJob(job.id);
  if (message === undefined) return;
  if (end.result?.data !== undefined && end.result.data !== "" && job.work.kind === "packet") {
    const { protocolId, dataCoding } = job.work;
    const item = {
      id: newId("out", at),
      kind: "message" as const,
      source: message.destination,
      destination: message.source,
      userData: fromHex(end.result.data),
      userDataHeader: true,
      protocolId,
      dataCoding,
    };
    await post(r, message.client, item, at);
  }
  const cause = end.error?.detail.cause;
  await settle(r, message, stateOf(job, end), typeof cause === "number" ? cause : 0, at);
}

function stateOf(job: Job, end: JobEnd): MessageState {
  switch (end.state) {
    case "done":
      return job.chosen?.bearer === "envelope" ? "delivered" : "enroute";
    case "failed":
      return "undeliverable";
    case "expired":
      return "expired";
    case "cancelled":
      return "deleted";
  }
}

/** A receipt of the network below us settles the message it belongs to. */
async function receiptCame(r: Repositories, entry: InboxEntry, at: number): Promise<string | undefined> {
  if (entry.item.kind !== "receipt" || entry.item.reference === undefined) return undefined;
  const packet = await r.packets.get(entry.item.reference.split("/")[0] ?? "");
  const message = packet === undefined ? undefined : await r.smsc.messageOfJob(packet.job);
  if (message === undefined) return undefined;
  const states = { delivered: "delivered", failed: "undeliverable", pending: "enroute", unknown: "unknown" } as const;
  const error = entry.item.networkStatus;
  await settle(r, message, states[entry.item.state], typeof error === "number" ? error : 0, at);
  return `receipt of message ${message.id}: ${entry.item.state}`;
}

async function settle(
  r: Repositories,
  message: SmscMessage,
  state: MessageState,
  error: number,
  at: number,
): Promise<void> {
  if (message.finalAt !== undefined) return;
  const final = finalStates.includes(state);
  await r.smsc.settle(message.id, state, error, final ? at : undefined);
  const wanted = final
    ? message.receipt === "always" || (message.receipt === "on-success") === (state === "delivered")
    : message.intermediate;
  if (message.receipt === "never" && !(message.intermediate && !final)) return;
  if (!wanted) return;
  const reference =
    message.userMessageReference === undefined ? {} : { userMessageReference: message.userMessageReference };
  const item = {
    id: newId("out", at),
    kind: "receipt" as const,
    source: message.destination,
    destination: message.source,
    messageId: message.id,
    state,
    intermediate: !final,
    submittedAt: message.submittedAt,
    doneAt: at,
    error: String(error).padStart(3, "0").slice(0, 3),
    ...reference,
  };
  await post(r, message.client, item, at);
}

async function post(r: Repositories, client: string, item: SmscOutboxItem, at: number): Promise<void> {
  await r.smsc.post(client, item, at);
  await r.events.append({ at, type: "smsc.outbox", data: { client, kind: item.kind } });
}
