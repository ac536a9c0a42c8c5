import type {
  Authenticate,
  SmscClient,
  SmscDelivery,
  SmscFacePort,
  SmscMessageStatus,
  SmscOutbox,
  SmscSubmission,
} from "../../../src/face/smpp/port.ts";

type Queued = SmscDelivery extends infer D ? (D extends SmscDelivery ? Omit<D, "id"> : never) : never;

/** The gateway behind the SMSC face, in memory: what was submitted, and what waits for clients. */
export class MemoryPort implements SmscFacePort {
  readonly submissions: SmscSubmission[] = [];
  readonly statuses = new Map<string, SmscMessageStatus>();
  readonly cancelled: string[] = [];
  readonly refusals: { id: string; status: number }[] = [];
  readonly waiting = new Map<string, SmscDelivery[]>();
  /** Runs inside submit, before the message counts as durable. */
  beforeDurable: (submission: SmscSubmission, messageId: string) => Promise<void> | void = () => {};
  #last = 0;
  #listeners = new Set<(client: string) => void>();

  async submit(submission: SmscSubmission): Promise<{ messageId: string }> {
    this.#last += 1;
    const messageId = String(this.#last);
    await this.beforeDurable(submission, messageId);
    this.submissions.push(submission);
    this.statuses.set(messageId, { state: "enroute", error: 0 });
    return { messageId };
  }

  async query(_client: string, messageId: string): Promise<SmscMessageStatus | undefined> {
    return this.statuses.get(messageId);
  }

  async cancel(_client: string, what: { messageId: string }): Promise<boolean> {
    this.cancelled.push(what.messageId);
    return this.statuses.delete(what.messageId);
  }

  /** Something for a client. */
  queue(client: string, delivery: Queued): string {
    this.#last += 1;
    const id = `d${this.#last}`;
    const list = this.waiting.get(client) ?? [];
    list.push({ ...delivery, id });
    this.waiting.set(client, list);
    for (const listener of this.#listeners) listener(client);
    return id;
  }

  #drop(client: string, id: string): void {
    this.waiting.set(
      client,
      (this.waiting.get(client) ?? []).filter((one) => one.id !== id),
    );
  }

  readonly outbox: { -readonly [K in keyof SmscOutbox]: SmscOutbox[K] } = {
    pull: async (client: string, limit: number) => (this.waiting.get(client) ?? []).slice(0, limit),
    done: async (client: string, id: string) => this.#drop(client, id),
    refused: async (client: string, id: string, status: number) => {
      this.refusals.push({ id, status });
      this.#drop(client, id);
    },
    onAvailable: (listener: (client: string) => void) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    },
  };
}

/** Accounts `esme` / `secret` and what the test says of it. */
export function accounts(settings: Partial<SmscClient> = {}): Authenticate {
  return async ({ systemId, password }) => {
    if (systemId !== "esme") return { refused: "system-id" };
    if (password !== "secret") return { refused: "password" };
    return { systemId, maxBinds: 4, window: 50, deliverAs: "deliver_sm", ...settings };
  };
}
